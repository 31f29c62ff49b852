import type { ContainerStatus, Pod } from '../kubernetes/objects.ts';
import { allStatuses } from '../podspec/status/container-state.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';

/** A container's state in the two words that matter here. */
interface LogState {
  readonly waitingFor: string | undefined;
  readonly endedBefore: boolean;
}

export interface LogQuestion {
  readonly pod: Pod;
  readonly observed: ObservedPod | undefined;
  readonly container: string;
  readonly previous: boolean;
}

/**
 * Why a container has no log (of that attempt) yet, in kubelet's words; undefined where there should be one. A container
 * that waits to be started again still has the log of the attempt before.
 */
export function whyNoLog({ pod, observed, container, previous }: LogQuestion): string | undefined {
  const state = observed === undefined ? stateInStatus(pod, container) : stateObserved(observed, pod, container);
  const subject = `container "${container}" in pod "${pod.metadata?.name}"`;
  const end = statusOf(pod, container)?.state?.terminated;
  if (end?.reason === 'UnsupportedPodSpec') return `${subject} was not started: ${end.message}`;
  if (state === undefined) return `${subject} is not available`;
  if (previous) return state.endedBefore ? undefined : `previous terminated ${subject} not found`;
  if (state.waitingFor === undefined || state.endedBefore) return undefined;
  return `${subject} is waiting to start: ${reasonInWords(state.waitingFor)}`;
}

function stateObserved(observed: ObservedPod, pod: Pod, container: string): LogState {
  const found = observed.containers.find(({ name }) => name === container);
  // Not created yet; kubelet's default state.
  if (found === undefined) return { waitingFor: notCreated(pod), endedBefore: false };
  return {
    waitingFor: found.state.kind === 'waiting' ? found.state.reason : undefined,
    endedBefore: found.lastTerminated !== undefined,
  };
}

/** What the API server knows must do where the provider has said nothing since we started. */
function stateInStatus(pod: Pod, container: string): LogState | undefined {
  const status = statusOf(pod, container);
  if (status === undefined) return undefined;
  return {
    waitingFor:
      status.state?.running || status.state?.terminated ? undefined : (status.state?.waiting?.reason ?? 'no logs yet'),
    endedBefore: status.lastState?.terminated !== undefined,
  };
}

function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  return allStatuses(pod).find(({ name }) => name === container);
}

function notCreated(pod: Pod): string {
  return (pod.spec?.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
}

function reasonInWords(reason: string): string {
  if (reason === 'ErrImagePull') return "image can't be pulled";
  if (reason === 'ImagePullBackOff') return 'trying and failing to pull image';
  return reason;
}
