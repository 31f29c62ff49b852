import type { Container, ContainerStatus, EphemeralContainer, Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { isSidecar } from '../../podspec/containers.ts';
import type { ObservedContainer, ObservedPod, ObservedState } from '../../podspec/status/observed.ts';

/** All containers of the pod, in the order in which they are observed. */
export function containersOf({ spec }: Pod): readonly (Container | EphemeralContainer)[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {};
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/**
 * The pod as running: init containers done, everything else started at `nowMs` and ready. Containers that the API
 * server already shows as running keep their start and restarts, so that a process that starts anew changes nothing.
 */
export function runningPod(
  pod: Pod,
  { podIp, nowMs }: { readonly podIp: string; readonly nowMs: number },
): ObservedPod {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {};
  const uid = pod.metadata?.uid ?? '';
  const observe = (
    container: Container | EphemeralContainer,
    statuses: readonly ContainerStatus[] | undefined,
    isDone: boolean,
  ): ObservedContainer => {
    const status = statuses?.find(({ name }) => name === container.name);
    const { running, terminated } = status?.state ?? {};
    const startedAtMs = Date.parse(running?.startedAt ?? terminated?.startedAt ?? '') || nowMs;
    const containerId = `memory://${uid}-${container.name}`;
    const state: ObservedState = isDone
      ? {
          kind: 'terminated',
          exitCode: 0,
          reason: 'Completed',
          startedAtMs,
          finishedAtMs: Date.parse(terminated?.finishedAt ?? '') || nowMs,
          containerId,
        }
      : { kind: 'running', startedAtMs };
    return {
      name: container.name,
      state,
      restartCount: status?.restartCount ?? 0,
      started: !isDone,
      ready: true,
      image: container.image ?? '',
      imageId: `memory://${container.image ?? ''}`,
      containerId,
    };
  };
  return {
    ref: podRef(pod),
    sandboxReady: true,
    podIps: [podIp],
    containers: [
      ...initContainers.map((container) => observe(container, initContainerStatuses, !isSidecar(container))),
      ...containers.map((container) => observe(container, containerStatuses, false)),
      ...ephemeralContainers.map((container) => observe(container, ephemeralContainerStatuses, false)),
    ],
    ended: false,
  };
}

/** A container after an update: another image restarts it, everything else leaves it alone. */
export function changedContainer(
  before: ObservedContainer,
  wanted: ObservedContainer,
  nowMs: number,
): ObservedContainer {
  if (before.image === wanted.image || before.state.kind !== 'running') return before;
  const { image, imageId } = wanted;
  return {
    ...before,
    image,
    imageId,
    state: { kind: 'running', startedAtMs: nowMs },
    restartCount: before.restartCount + 1,
  };
}

/** The pod after its running containers have ended with `exitCode`; one that has ended before stays as it is. */
export function endedPod(
  pod: ObservedPod,
  { exitCode, nowMs, failure }: Pick<ObservedPod, 'failure'> & { readonly exitCode: number; readonly nowMs: number },
): ObservedPod {
  if (pod.ended) return pod;
  return {
    ...pod,
    sandboxReady: false,
    containers: pod.containers.map((container) => endedContainer(container, exitCode, nowMs)),
    ...(failure === undefined ? {} : { failure }),
    ended: true,
  };
}

function endedContainer(container: ObservedContainer, exitCode: number, nowMs: number): ObservedContainer {
  if (container.state.kind !== 'running') return container;
  return {
    ...container,
    state: {
      kind: 'terminated',
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAtMs: container.state.startedAtMs,
      finishedAtMs: nowMs,
      ...(container.containerId === undefined ? {} : { containerId: container.containerId }),
    },
    started: false,
    ready: false,
  };
}
