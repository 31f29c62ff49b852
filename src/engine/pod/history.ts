import type { Container, ContainerStatus, Pod } from '../../kubernetes/objects.ts';
import { allStatuses } from '../../podspec/status/container-state.ts';
import type { ActualPod, Attempt } from './actual-pod.ts';
import { containersOf } from './spec-containers.ts';

/** The last that was known of a container, so that one which vanishes from the runtime is not taken for one that never ran. */
export interface LastKnown {
  readonly attempt: number;
  readonly id: string;
  readonly imageRef: string;
  /** Undefined where it ran when it was last seen. */
  readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly finishedAtMs: number };
}

export type History = ReadonlyMap<string, LastKnown>;

/** What the API server's status knows; the runtime, where it still has the containers, knows better. */
export function historyFromStatus(pod: Pod): Map<string, LastKnown> {
  const history = new Map<string, LastKnown>();
  for (const status of allStatuses(pod)) {
    if (!status.containerID) continue;
    history.set(status.name, fromStatus(status));
  }
  return history;
}

function fromStatus(status: ContainerStatus): LastKnown {
  const terminated = status.state?.terminated ?? (status.state?.waiting ? status.lastState?.terminated : undefined);
  return {
    attempt: status.restartCount,
    id: (status.containerID ?? '').replace(/^\w+:\/\//, ''),
    imageRef: status.imageID,
    ...(terminated && {
      terminated: {
        exitCode: terminated.exitCode,
        reason: terminated.reason ?? 'Error',
        finishedAtMs: Date.parse(terminated.finishedAt ?? '') || 0,
      },
    }),
  };
}

/** Notes what the runtime has now; containers that it does not have any more stay as they were known. */
export function remember(history: Map<string, LastKnown>, actual: ActualPod): void {
  for (const [name, attempts] of actual.attempts) {
    const newest = attempts.find(({ state }) => state.kind !== 'created');
    if (newest && newest.attempt >= (history.get(name)?.attempt ?? 0)) history.set(name, fromAttempt(newest));
  }
}

function fromAttempt({ attempt, id, imageRef, state }: Attempt): LastKnown {
  return {
    attempt,
    id,
    imageRef,
    ...(state.kind === 'exited' && {
      terminated: {
        exitCode: state.exitCode,
        reason: state.exitCode === 0 ? 'Completed' : 'Error',
        finishedAtMs: state.finishedAtMs,
      },
    }),
  };
}

/**
 * The pod with an ended attempt for every container that somebody removed from the runtime: a container that ran is
 * started again or not by the pod's restartPolicy, as one that failed, and never counted from zero.
 */
export function withLostAttempts(pod: Pod, actual: ActualPod, history: History): ActualPod {
  const lost = containersOf(pod).flatMap(({ container, role, position }) => {
    const known = history.get(container.name);
    const newest = actual.attempts.get(container.name)?.[0];
    if (!known || (newest && newest.attempt >= known.attempt)) return [];
    return [lostAttempt(container, { role, position, known })];
  });
  if (lost.length === 0) return actual;
  const attempts = new Map(actual.attempts);
  for (const attempt of lost) attempts.set(attempt.name, [attempt, ...(attempts.get(attempt.name) ?? [])]);
  return { ...actual, attempts };
}

function lostAttempt(
  container: Container,
  { role, position, known }: Pick<Attempt, 'role' | 'position'> & { readonly known: LastKnown },
): Attempt {
  const finishedAtMs = known.terminated?.finishedAtMs ?? 0;
  return {
    id: known.id,
    name: container.name,
    role,
    position,
    attempt: known.attempt,
    sandboxId: '',
    backoffMs: 0,
    image: container.image ?? '',
    imageName: container.image ?? '',
    imageRef: known.imageRef,
    graceSeconds: 0,
    createdAtMs: finishedAtMs,
    state: {
      kind: 'exited',
      startedAtMs: finishedAtMs,
      finishedAtMs,
      exitCode: known.terminated?.exitCode ?? 137,
      oomKilled: false,
    },
    lost: known.terminated
      ? { reason: known.terminated.reason, message: '' }
      : {
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
        },
  };
}
