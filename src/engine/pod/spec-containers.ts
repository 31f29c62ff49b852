import type { Container, Pod } from '../../kubernetes/objects.ts';
import { isSidecar } from '../../podspec/containers.ts';
import type { Role } from './role.ts';

export interface SpecContainer {
  readonly container: Container;
  readonly role: Role;
  /** Place in its list of the spec. */
  readonly position: number;
}

/** Init containers and sidecars in order, then the main containers. */
export function containersOf(pod: Pod): readonly SpecContainer[] {
  return [...initContainersOf(pod), ...mainContainersOf(pod)];
}

export function initContainersOf(pod: Pod): readonly SpecContainer[] {
  return (pod.spec?.initContainers ?? []).map((container, position) => ({
    container,
    role: isSidecar(container) ? 'sidecar' : 'init',
    position,
  }));
}

export function mainContainersOf(pod: Pod): readonly SpecContainer[] {
  return (pod.spec?.containers ?? []).map((container, position) => ({ container, role: 'main', position }));
}

export function specContainerNamed(pod: Pod, name: string): SpecContainer | undefined {
  return containersOf(pod).find(({ container }) => container.name === name);
}

export function preStopOf(pod: Pod, name: string): NonNullable<Container['lifecycle']>['preStop'] {
  return specContainerNamed(pod, name)?.container.lifecycle?.preStop;
}

/** Where events about a container point, as kubelet writes it. */
export function fieldPathOf({ role, container }: Pick<SpecContainer, 'role' | 'container'>): string {
  return `spec.${role === 'main' ? 'containers' : 'initContainers'}{${container.name}}`;
}

/** `name_namespace(uid)`, kubelet's way to name a pod in messages. */
export function podLabel(pod: Pod): string {
  return `${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})`;
}
