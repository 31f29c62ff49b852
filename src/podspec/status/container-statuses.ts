import type { Container, ContainerState, ContainerStatus, EphemeralContainer, Pod } from '../../kubernetes/objects.ts';
import { isSidecar, shouldRestart } from '../containers.ts';
import { allStatuses, type ContainerStatuses, runningState, terminatedState, waitingState } from './container-state.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import { isTerminalPhase } from './phase.ts';

/** Why containers that do not exist yet are waiting, where more is known than that they wait. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

type Role = 'init' | 'sidecar' | 'regular' | 'ephemeral';

interface Subject {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly role: Role;
  readonly observedPod: ObservedPod | undefined;
  readonly observed: ObservedContainer | undefined;
  /** What the API server has. */
  readonly previous: ContainerStatus | undefined;
  readonly waitingReason: WaitingReason | undefined;
}

/**
 * The status of every container of the spec, in its order: what the provider observes, else what the API server has,
 * else waiting (kubelet's `convertToAPIContainerStatuses` with its `TerminatePod`). Of a pod that no provider has told
 * about yet, everything stays as the API server has it.
 */
export function containerStatuses(
  pod: Pod,
  observedPod: ObservedPod | undefined,
  waitingReason: WaitingReason | undefined,
): ContainerStatuses {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const observedByName = new Map(observedPod?.containers.map((each) => [each.name, each]));
  const previousByName = new Map(allStatuses(pod).map((each) => [each.name, each]));
  // The reason belongs to whatever would start first.
  const blocked = new Set(initContainers[0] ? [initContainers[0].name] : containers.map(({ name }) => name));
  const statusOf = (container: Container | EphemeralContainer, role: Role): ContainerStatus =>
    containerStatus({
      pod,
      container,
      role,
      observedPod,
      observed: observedByName.get(container.name),
      previous: previousByName.get(container.name),
      waitingReason: blocked.has(container.name) ? waitingReason : undefined,
    });

  const statuses = {
    init: initContainers.map((each) => statusOf(each, isSidecar(each) ? 'sidecar' : 'init')),
    regular: containers.map((each) => statusOf(each, 'regular')),
    ephemeral: ephemeralContainers.map((each) => statusOf(each, 'ephemeral')),
  };
  return observedPod?.ended ? endedStatuses(pod, statuses) : statuses;
}

function containerStatus(subject: Subject): ContainerStatus {
  const { previous, observed } = subject;
  const status = observed ? observedStatus(subject, observed) : unobservedStatus(subject);
  const ended = previous?.state?.terminated;
  return previous && ended && !status.state?.terminated && !mayRunAgain(subject, ended.exitCode) ? previous : status;
}

/**
 * Whether a container that has ended may be anything else again. The API server refuses a status that says so of one
 * that ended for good; in a pod that is over none starts again, whatever its policy says.
 */
function mayRunAgain({ pod, container, role }: Subject, exitCode: number): boolean {
  if (isTerminalPhase(pod.status?.phase) || role === 'ephemeral') return false;
  return role === 'sidecar' || shouldRestart(pod, container, exitCode);
}

function observedStatus({ pod, container, role, previous }: Subject, observed: ObservedContainer): ContainerStatus {
  const state = endOfSame(observed, previous) ?? stateOf(pod, observed);
  const running = state.running !== undefined;
  const started = running && observed.started;
  const initialized = role === 'init' && state.terminated?.exitCode === 0;
  return {
    name: container.name,
    state,
    lastState: lastStateOf(pod, observed, previous),
    restartCount: restartCountOf(observed, previous),
    image: observed.image || (container.image ?? ''),
    imageID: observed.imageId,
    ...(observed.containerId !== undefined && { containerID: observed.containerId }),
    ready: initialized || (started && observed.ready && role !== 'init' && role !== 'ephemeral'),
    ...(role !== 'ephemeral' && { started }),
  };
}

/** How a container has ended is told once: a provider that has to find it out again may know less. */
function endOfSame(observed: ObservedContainer, previous: ContainerStatus | undefined): ContainerState | undefined {
  const isSame = observed.containerId !== undefined && observed.containerId === previous?.containerID;
  return isSame && observed.state.kind === 'terminated' && previous?.state?.terminated ? previous.state : undefined;
}

function stateOf(pod: Pod, { state, containerId }: ObservedContainer): ContainerState {
  switch (state.kind) {
    case 'waiting':
      return waitingState(state.reason, state.message);
    case 'running':
      return runningState(state.startedAtMs);
    case 'terminated':
      return terminatedState(pod, state, containerId);
  }
}

/** A provider may have lost what an earlier container ended with; the API server's memory then serves. */
function lastStateOf(pod: Pod, observed: ObservedContainer, previous: ContainerStatus | undefined): ContainerState {
  if (observed.lastTerminated) return terminatedState(pod, observed.lastTerminated);
  if (previous?.state?.terminated && isAnotherContainer(observed, previous)) {
    return { terminated: previous.state.terminated };
  }
  return previous?.lastState ?? {};
}

/** Counts never go back, and a new container after one that ended is a restart though the provider lost count. */
function restartCountOf(observed: ObservedContainer, previous: ContainerStatus | undefined): number {
  if (!previous) return observed.restartCount;
  const restarted =
    observed.state.kind === 'running' && previous.state?.terminated && isAnotherContainer(observed, previous);
  return Math.max(observed.restartCount, previous.restartCount + (restarted ? 1 : 0));
}

function isAnotherContainer(observed: ObservedContainer, previous: ContainerStatus): boolean {
  return observed.containerId !== undefined && observed.containerId !== previous.containerID;
}

function unobservedStatus(subject: Subject): ContainerStatus {
  const { pod, container, role, observedPod, previous, waitingReason } = subject;
  const waiting = defaultWaiting(pod, role, waitingReason);
  if (!previous) return { ...neverCreated(container, role), state: waiting };
  if (previous.state?.terminated) return previous;
  if (!observedPod) return previous.state?.running || !waitingReason ? previous : { ...previous, state: waiting };
  if (role === 'init' && observedPod.containers.some((each) => isRegular(pod, each.name) && hasBeenCreated(each))) {
    return { ...previous, state: { terminated: lostInitContainer }, ready: true, started: false };
  }
  return vanishedStatus(subject, previous, waiting);
}

/** A container that ran, and of which the provider knows nothing any more, has ended: how, nobody can say. */
function vanishedStatus(subject: Subject, previous: ContainerStatus, waiting: ContainerState): ContainerStatus {
  const { pod, container, role, observedPod } = subject;
  const lost = previous.state?.running && !previous.lastState?.terminated && !observedPod?.ended;
  const restarts = lost && !pod.metadata?.deletionTimestamp ? 1 : 0;
  return {
    ...neverCreated(container, role),
    state: waiting,
    lastState: lost ? { terminated: lostContainer } : (previous.lastState ?? {}),
    restartCount: previous.restartCount + restarts,
  };
}

function neverCreated(container: Container | EphemeralContainer, role: Role): ContainerStatus {
  return {
    name: container.name,
    lastState: {},
    restartCount: 0,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    ...(role !== 'ephemeral' && { started: false }),
  };
}

function defaultWaiting(pod: Pod, role: Role, reason: WaitingReason | undefined): ContainerState {
  if (reason) return waitingState(reason.reason, reason.message);
  const initializes = role !== 'ephemeral' && (pod.spec?.initContainers ?? []).length > 0;
  return waitingState(initializes ? 'PodInitializing' : 'ContainerCreating');
}

/**
 * Of a pod that has ended, every container that started has ended too; one whose end nobody saw counts as failed, so
 * that no pod is called successful by mistake.
 */
function endedStatuses(pod: Pod, { init, regular, ephemeral }: ContainerStatuses): ContainerStatuses {
  const started = Math.max(1, init.findLastIndex((each) => !each.state?.waiting || each.lastState?.terminated) + 1);
  return {
    init: init.map((status, index) => (index < started ? endedStatus(status) : status)),
    regular: isInitialized(pod, init, regular) ? regular.map(endedStatus) : regular,
    ephemeral,
  };
}

/** A container that was waiting for its next start has ended as it did the last time. */
function endedStatus(status: ContainerStatus): ContainerStatus {
  if (status.state?.terminated) return status;
  const last = status.state?.waiting && status.lastState?.terminated;
  const lastState = last ? {} : (status.lastState ?? {});
  return { ...status, state: { terminated: last ?? lostAtEnd }, lastState, ready: false, started: false };
}

function isInitialized(pod: Pod, init: readonly ContainerStatus[], regular: readonly ContainerStatus[]): boolean {
  if (regular.some((each) => each.lastState?.terminated || !each.state?.waiting)) return true;
  const lastSpec = pod.spec?.initContainers?.at(-1);
  const last = init.at(-1);
  if (!lastSpec || !last) return true;
  if (isSidecar(lastSpec)) return last.state?.running !== undefined && last.started === true;
  return last.state?.terminated?.exitCode === 0 || last.lastState?.terminated?.exitCode === 0;
}

function isRegular(pod: Pod, name: string): boolean {
  return (pod.spec?.containers ?? []).some((each) => each.name === name);
}

function hasBeenCreated(observed: ObservedContainer): boolean {
  return observed.state.kind !== 'waiting' || observed.restartCount > 0 || observed.lastTerminated !== undefined;
}

const lostContainer = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted.  The container used to be Running',
};

const lostAtEnd = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

const lostInitContainer = {
  exitCode: 0,
  reason: 'Completed',
  message:
    'Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally',
};
