import type { ContainerState, ContainerStatus, Pod } from '../../kubernetes/objects.ts';
import { toRfc3339 } from '../../support/clock.ts';
import type { ObservedTerminated } from './observed.ts';

/** Of all containers of a pod, each kind in the order of the spec. */
export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

/** What a pod's status says of its containers of all kinds. */
export function allStatuses({ status }: Pod): readonly ContainerStatus[] {
  return [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
}

export function waitingState(reason: string, message?: string): ContainerState {
  return { waiting: { reason, ...(message && { message }) } };
}

export function runningState(startedAtMs: number): ContainerState {
  return { running: { startedAt: toRfc3339(startedAtMs) } };
}

/** `containerId` serves where the observation names none. */
export function terminatedState(pod: Pod, observed: ObservedTerminated, containerId?: string): ContainerState {
  const { exitCode, signal, reason, message, startedAtMs, finishedAtMs } = observed;
  const id = observed.containerId ?? containerId;
  return {
    terminated: {
      exitCode,
      ...(signal !== undefined && { signal }),
      reason,
      ...(message && { message: shortened(message, Math.floor(podMessageBytes / containerCount(pod))) }),
      ...(startedAtMs !== undefined && { startedAt: toRfc3339(startedAtMs) }),
      ...(finishedAtMs !== undefined && { finishedAt: toRfc3339(finishedAtMs) }),
      ...(id !== undefined && { containerID: id }),
    },
  };
}

/** All termination messages of a pod share this much room (kubelet's `MaxPodTerminationMessageLogLength`). */
const podMessageBytes = 12 * 1024;

function containerCount(pod: Pod): number {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return Math.max(1, containers.length + initContainers.length + ephemeralContainers.length);
}

/** The beginning of `text` within `maxBytes` of UTF-8, cut between characters. */
function shortened(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
}
