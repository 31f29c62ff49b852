import type { Container, EphemeralContainer, Pod } from '../../kubernetes/objects.ts';
import { isSidecar } from '../../podspec/containers.ts';
import type { Role } from './role.ts';

export interface SpecContainer {
  readonly container: Container & Pick<EphemeralContainer, 'targetContainerName'>;
  readonly role: Role;
  /** Place in its list of the spec. */
  readonly position: number;
}

/** Init containers and sidecars in order, then the main containers, then the ephemeral ones. */
export function containersOf(pod: Pod): readonly SpecContainer[] {
  return [...initContainersOf(pod), ...mainContainersOf(pod), ...ephemeralContainersOf(pod)];
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

/** Those that were added to the running pod (`kubectl debug`), in the order in which they came. */
export function ephemeralContainersOf(pod: Pod): readonly SpecContainer[] {
  return (pod.spec?.ephemeralContainers ?? []).map((container, position) => ({
    container,
    role: 'ephemeral',
    position,
  }));
}

export function specContainerNamed(pod: Pod, name: string): SpecContainer | undefined {
  return containersOf(pod).find(({ container }) => container.name === name);
}

export function preStopOf(pod: Pod, name: string): NonNullable<Container['lifecycle']>['preStop'] {
  return specContainerNamed(pod, name)?.container.lifecycle?.preStop;
}

/** Where events about a container point, as kubelet writes it. */
export function fieldPathOf({ role, container }: Pick<SpecContainer, 'role' | 'container'>): string {
  return `spec.${listOf[role]}{${container.name}}`;
}

const listOf: Readonly<Record<Role, string>> = {
  init: 'initContainers',
  sidecar: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
};

/** `name_namespace(uid)`, kubelet's way to name a pod in messages. */
export function podLabel(pod: Pod): string {
  return `${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})`;
}
