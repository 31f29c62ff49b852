import type { Pod } from '../../../kubernetes/objects.ts';
import { isSidecar, shouldRestart } from '../../../podspec/containers.ts';
import type { ObservedTerminated } from '../../../podspec/status/observed.ts';
import type { Attempt } from '../attempt.ts';
import type { EcsTask } from '../ecs/ecs-task.ts';
import { isRestart } from '../stop-reasons.ts';
import { containerEnd, endedAtMs } from './container-end.ts';
import type { Role } from './role.ts';

/** What comes after a task that has ended. */
export type Next =
  /** Nothing any more; the pod is Failed for this reason, or what its exit codes say. */
  | { readonly kind: 'over'; readonly failure?: { readonly reason: string; readonly message: string } }
  /** The next attempt, no sooner than `atMs`. */
  | {
      readonly kind: 'again';
      readonly attempt: Attempt;
      readonly atMs: number;
      /** Between the end and the next attempt, in milliseconds. */
      readonly waitMs: number;
      /** Whether containers ran: their restart is one that Kubernetes counts. */
      readonly ran: boolean;
    };

const backoff = { baseMs: 10_000, capMs: 300_000 } as const;
/** Having run this long, a container is no crash loop any more (kubelet's `MaxContainerBackOff`, twice). */
const forgottenAfterMs = 600_000;

/**
 * What the pod's restart policy says of a task that has ended, as kubelet would of its containers. A task whose
 * containers could not be made is tried again whatever the policy: for kubelet they would still be waiting.
 */
export function afterEnd(pod: Pod, attempt: Attempt, task: EcsTask): Next {
  const { stopCode, stoppedReason = '' } = task;
  if (stopCode === 'SpotInterruption') return cutOff(stopCode, stoppedReason);
  const { init, main } = endsOf(pod, task);
  const failedInit = init.find(({ end }) => end?.exitCode !== 0 && end !== undefined);
  const hasRun = main.some(({ end }) => end !== undefined);
  if (!hasRun && failedInit === undefined) return again(attempt, task, { hasRun: false, hasInitialized: false });

  const mayRestart = pod.spec?.restartPolicy !== 'Never';
  const wants = !hasRun
    ? failedInit !== undefined && shouldRestart(pod, failedInit.container, failedInit.end?.exitCode ?? 0)
    : main.some(({ container, end }) => end !== undefined && shouldRestart(pod, container, end.exitCode));
  // Fargate has ended it, for its own reasons: an exit code of 0 says how it took that, not that its work is done.
  const isRetired = stopCode === 'TerminationNotice';
  if (wants || (mayRestart && (isRetired || isRestart(stoppedReason))))
    return again(attempt, task, { hasRun, hasInitialized: init.length > 0 });
  return isRetired ? cutOff(stopCode, stoppedReason) : { kind: 'over' };
}

/** For the pod's controller to replace. */
function cutOff(reason: string, message: string): Next {
  return { kind: 'over', failure: { reason, message } };
}

interface SpecEnd {
  readonly container: NonNullable<Pod['spec']>['containers'][number];
  /** Undefined where it has not run. */
  readonly end: ObservedTerminated | undefined;
}

function endsOf(
  { spec }: Pod,
  task: EcsTask,
): { readonly init: readonly SpecEnd[]; readonly main: readonly SpecEnd[] } {
  const endOf = (container: SpecEnd['container'], role: Role): SpecEnd => {
    const found = task.containers.find(({ name }) => name === container.name);
    const end = found && found.status === 'STOPPED' ? containerEnd(task, found, role) : undefined;
    return { container, end: end?.kind === 'terminated' ? end.terminated : undefined };
  };
  return {
    init: (spec?.initContainers ?? []).filter((each) => !isSidecar(each)).map((each) => endOf(each, 'init')),
    main: (spec?.containers ?? []).map((each) => endOf(each, 'main')),
  };
}

/**
 * kubelet's waits: none after a first end, then 10 s and twice as long each time up to 300 s; 10 s from the first on for
 * what could not be started (`imagePullBackOff`).
 */
function again(
  attempt: Attempt,
  task: EcsTask,
  { hasRun, hasInitialized }: { readonly hasRun: boolean; readonly hasInitialized: boolean },
): Next {
  const finishedAtMs = endedAtMs(task) ?? 0;
  const ran = hasRun || hasInitialized;
  const isForgotten = hasRun && finishedAtMs - (task.startedAtMs ?? finishedAtMs) > forgottenAfterMs;
  const failures = isForgotten ? 0 : attempt.failures;
  const doublings = ran ? failures - 1 : failures;
  const waitMs = doublings < 0 ? 0 : Math.min(backoff.baseMs * 2 ** doublings, backoff.capMs);
  return {
    kind: 'again',
    attempt: {
      number: attempt.number + 1,
      restarts: attempt.restarts + (hasRun ? 1 : 0),
      initRestarts: attempt.initRestarts + (hasInitialized ? 1 : 0),
      failures: failures + 1,
    },
    atMs: finishedAtMs + waitMs,
    waitMs,
    ran,
  };
}
