import type { Pod, PodRef } from '../../../kubernetes/objects.ts';
import { normalizedImage, parseImageReference } from '../../../podspec/images/image-reference.ts';
import type {
  ObservedContainer,
  ObservedPod,
  ObservedState,
  ObservedTerminated,
} from '../../../podspec/status/observed.ts';
import type { Attempt } from '../attempt.ts';
import { type EcsContainer, type EcsTask, haveContainersEnded } from '../ecs/ecs-task.ts';
import { sizeText } from '../translate/task-size.ts';
import { containerEnd, containerId, containerStartedAtMs } from './container-end.ts';
import { roleOf } from './role.ts';

/** What probes say of a running container. */
export interface Health {
  readonly started: boolean;
  readonly ready: boolean;
}

export interface PodView {
  readonly ref: PodRef;
  /** Undefined while the pod has not been handed to this process: then nobody knows its restart policy. */
  readonly pod: Pod | undefined;
  readonly attempt: Attempt;
  /** Of this attempt; undefined while ECS has not been asked for one, or has not answered. */
  readonly task: EcsTask | undefined;
  /** How containers ended in the attempt before, by name. */
  readonly lastEnds: ReadonlyMap<string, ObservedTerminated>;
  /** Why nothing happens just now. */
  readonly hold: { readonly reason: string; readonly message: string } | undefined;
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  readonly ended: boolean;
  readonly healthOf: (container: string) => Health;
}

/** EKS's for what its Fargate gives a pod, and has it pay for. */
const sizeAnnotation = 'CapacityProvisioned';

/** A pod as Kubernetes shows it, from the task of its present attempt. Pure. */
export function observePod(view: PodView): ObservedPod {
  const { ref, task, failure, ended } = view;
  const isUp = task !== undefined && task.privateIps.length > 0 && !haveContainersEnded(task);
  return {
    ref,
    sandboxReady: isUp,
    podIps: task?.privateIps ?? [],
    containers: namesOf(view).map((name) => observeContainer(view, name)),
    ...(failure && { failure }),
    ...(view.pod && task?.size && { annotations: { [sizeAnnotation]: sizeText(task.size) } }),
    ended,
  };
}

/** How containers of a task ended, by name: what the next attempt shows as their last state. */
export function containerEnds(task: EcsTask, pod: Pod | undefined): Map<string, ObservedTerminated> {
  const ends = new Map<string, ObservedTerminated>();
  for (const container of task.containers) {
    if (container.status !== 'STOPPED') continue;
    const end = containerEnd(task, container, roleOf(pod, container.name));
    if (end.kind === 'terminated') ends.set(container.name, end.terminated);
  }
  return ends;
}

function namesOf({ pod, task }: PodView): string[] {
  if (pod === undefined) return task?.containers.map(({ name }) => name) ?? [];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name }) => name);
}

function observeContainer(view: PodView, name: string): ObservedContainer {
  const { pod, task, attempt, lastEnds, hold, healthOf } = view;
  const container = task?.containers.find((each) => each.name === name);
  const state = stateOf(view, name, container);
  const last = lastEnds.get(name);
  const isHeld = hold !== undefined && state.kind === 'terminated' && !isDone(pod, name, state);
  const isRunning = state.kind === 'running';
  const health = isRunning ? healthOf(name) : undefined;
  const isMade = task !== undefined && state.kind !== 'waiting';
  const lastTerminated = isHeld ? state : last;
  return {
    name,
    state: isHeld ? { kind: 'waiting', ...hold } : state,
    ...(lastTerminated && { lastTerminated }),
    restartCount: roleOf(pod, name) === 'init' ? attempt.initRestarts : attempt.restarts,
    started: health?.started ?? false,
    ready: (health?.ready ?? false) && task?.desiredStatus === 'RUNNING',
    image: container?.image ?? '',
    imageId: isMade && container ? imageId(container) : '',
    ...(isMade && { containerId: containerId(task, name) }),
  };
}

function stateOf({ pod, task, hold }: PodView, name: string, container: EcsContainer | undefined): ObservedState {
  const waiting: ObservedState = {
    kind: 'waiting',
    reason: pod?.spec?.initContainers?.length ? 'PodInitializing' : 'ContainerCreating',
  };
  if (task === undefined || container === undefined)
    return blocks(pod, name) && hold ? { kind: 'waiting', ...hold } : waiting;
  switch (container.status) {
    case 'PENDING':
      return waiting;
    case 'RUNNING': {
      // A moment later the task is RUNNING too, and has the time of it.
      const startedAtMs = containerStartedAtMs(task, roleOf(pod, name));
      return startedAtMs === undefined ? waiting : { kind: 'running', startedAtMs };
    }
    case 'STOPPED': {
      const end = containerEnd(task, container, roleOf(pod, name));
      if (end.kind === 'terminated') return end.terminated;
      if (end.kind === 'not-reached') return waiting;
      return hold ? { kind: 'waiting', ...hold } : { kind: 'waiting', reason: end.reason, message: end.message };
    }
  }
}

/** Whether it is for this container that the pod waits: it would be the first to start. */
function blocks(pod: Pod | undefined, name: string): boolean {
  const first = pod?.spec?.initContainers?.[0];
  return first === undefined || first.name === name;
}

/** Whether the container has done what it was there for: an init container that succeeded. */
function isDone(pod: Pod | undefined, name: string, { exitCode }: ObservedTerminated): boolean {
  return roleOf(pod, name) === 'init' && exitCode === 0;
}

/** `docker.io/library/nginx@sha256:…`; the name alone where ECS has no digest. */
function imageId({ image, imageDigest }: EcsContainer): string {
  try {
    const { domain, repository } = parseImageReference(image);
    return imageDigest === undefined ? normalizedImage(image) : `${domain}/${repository}@${imageDigest}`;
  } catch {
    // A name that ECS has taken and we cannot read.
    return image;
  }
}
