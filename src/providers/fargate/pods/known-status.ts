import type { ContainerStatus, Pod } from '../../../kubernetes/objects.ts';
import type { Attempt } from '../attempt.ts';
import type { EcsContainer, EcsTask } from '../ecs/ecs-task.ts';

/** What the API server's status knows of a pod of which ECS knows nothing (any more). */
export interface KnownFromStatus {
  readonly attempt: Attempt;
  /** As ECS would have it, had it not forgotten it: stopped, with the exit codes that were seen. */
  readonly task: EcsTask;
}

/**
 * The last attempt that the pod's status tells of, where one ran: ECS forgets a stopped task after an hour, and we may
 * have been away for longer. Undefined for a pod that has not run yet. Its number is a guess on the low side; where it is
 * taken, RunTask says so.
 */
export function attemptInStatus({ status }: Pod): KnownFromStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {};
  const all = [...initContainerStatuses, ...containerStatuses];
  const id = all.map(({ containerID }) => /^ecs:\/\/([^/]+)\//.exec(containerID ?? '')?.[1]).find((each) => each);
  if (id === undefined) return undefined;
  const restarts = Math.max(0, ...containerStatuses.map(({ restartCount }) => restartCount));
  const initRestarts = Math.max(0, ...initContainerStatuses.map(({ restartCount }) => restartCount));
  const startedAtMs = firstTime(all, ({ state }) => state?.running?.startedAt ?? state?.terminated?.startedAt);
  const finishedAtMs = firstTime(
    all,
    ({ state, lastState }) => (state?.terminated ?? lastState?.terminated)?.finishedAt,
  );
  return {
    attempt: { number: Math.max(restarts, initRestarts), restarts, initRestarts, failures: restarts },
    task: {
      arn: `forgotten/${id}`,
      definitionArn: '',
      startedBy: undefined,
      group: undefined,
      status: 'STOPPED',
      desiredStatus: 'STOPPED',
      version: 0,
      stopCode: undefined,
      stoppedReason: 'ECS does not know the task any more',
      createdAtMs: startedAtMs,
      pullStoppedAtMs: startedAtMs,
      startedAtMs,
      stoppingAtMs: finishedAtMs,
      executionStoppedAtMs: finishedAtMs,
      stoppedAtMs: finishedAtMs,
      size: undefined,
      privateIps: [],
      containers: all.map(forgottenContainer),
    },
  };
}

function forgottenContainer({ name, image, containerID, state, lastState }: ContainerStatus): EcsContainer {
  const terminated = state?.terminated ?? (state?.waiting && lastState?.terminated);
  return {
    name,
    image,
    imageDigest: undefined,
    runtimeId: containerID,
    status: 'STOPPED',
    exitCode: terminated?.exitCode,
    reason: undefined,
    health: 'UNKNOWN',
  };
}

function firstTime(
  statuses: readonly ContainerStatus[],
  read: (status: ContainerStatus) => string | undefined,
): number | undefined {
  const times = statuses.map((status) => Date.parse(read(status) ?? '')).filter((time) => !Number.isNaN(time));
  return times[0];
}
