import type { Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';
import type { Attempt } from '../attempt.ts';
import { type EcsTask, hasStopped, haveContainersEnded } from '../ecs/ecs-task.ts';
import { afterEnd } from '../status/outcome.ts';
import { endReason, restartReason } from '../stop-reasons.ts';
import type { PodRecord } from './pod-record.ts';

/** What to do for a pod now. */
export type Plan =
  | { readonly kind: 'stop'; readonly task: EcsTask; readonly reason: string; readonly message: string }
  | { readonly kind: 'start'; readonly attempt: Attempt }
  /** Nothing, until something changes or this moment comes. `hold` says why a container that should run does not. */
  | {
      readonly kind: 'wait';
      readonly untilMs?: number | undefined;
      readonly hold?: { readonly reason: string; readonly message: string };
    }
  /** There may be a task that nobody has seen; it is to be looked for before the pod is taken to be over. */
  | { readonly kind: 'search' }
  /** Nothing any more. */
  | { readonly kind: 'over'; readonly failure?: { readonly reason: string; readonly message: string } };

/** kubelet's words (`active_deadline.go`). */
const deadlineExceeded = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** What is to be done, from what is wanted and what there is; right whatever happened before. Pure. */
export function planPod(record: PodRecord, nowMs: number): Plan {
  const plan = planKnown(record, nowMs);
  return plan.kind === 'over' && record.launch.unsureSinceMs !== undefined ? { kind: 'search' } : plan;
}

function planKnown(record: PodRecord, nowMs: number): Plan {
  const { task, isDeleted, strays } = record;
  const stray = strays.values().find(({ desiredStatus }) => desiredStatus === 'RUNNING');
  if (stray !== undefined) {
    return {
      kind: 'stop',
      task: stray,
      reason: endReason('another attempt runs'),
      message: 'Stopping task of another attempt',
    };
  }
  const deadlineAtMs = activeDeadlineAtMs(record);
  const isPastDeadline = deadlineAtMs !== undefined && nowMs >= deadlineAtMs;
  if (task !== undefined && !hasStopped(task)) {
    const stop = task.desiredStatus === 'RUNNING' ? whyStop(record, task, isPastDeadline) : undefined;
    if (stop !== undefined) return { kind: 'stop', task, ...stop };
    // The network is still to be taken down; for whoever waits for the pod's end, it has ended.
    if (isDeleted && haveContainersEnded(task) && strays.size === 0) return { kind: 'over' };
    return { kind: 'wait', untilMs: deadlineAtMs };
  }
  if (strays.size > 0) return { kind: 'wait' };
  if (isDeleted) return { kind: 'over' };
  if (record.failure) return { kind: 'over', failure: record.failure };
  return planStart(record, { nowMs, deadlineAtMs, isPastDeadline });
}

/** No task runs: whether and when there is to be another. */
function planStart(
  record: PodRecord,
  moment: { readonly nowMs: number; readonly deadlineAtMs: number | undefined; readonly isPastDeadline: boolean },
): Plan {
  const { pod, task, attempt, startFailure } = record;
  const { nowMs, deadlineAtMs, isPastDeadline } = moment;
  if (pod === undefined) return task === undefined ? { kind: 'wait' } : { kind: 'over' };
  const next = task && afterEnd(pod, attempt, task);
  if (next?.kind === 'over') {
    const isOurs = task?.stoppedReason === endReason(deadlineExceeded.reason);
    return isOurs ? { kind: 'over', failure: deadlineExceeded } : next;
  }
  if (isPastDeadline) return { kind: 'over', failure: deadlineExceeded };

  const hold = startFailure ?? (next?.ran && next.waitMs > 0 ? crashLoop(pod, next.waitMs) : undefined);
  const atMs = Math.max(next?.atMs ?? 0, startFailure?.retryAtMs ?? 0);
  if (nowMs >= atMs) return { kind: 'start', attempt: next?.attempt ?? attempt };
  const untilMs = Math.min(atMs, deadlineAtMs ?? atMs);
  return { kind: 'wait', untilMs, ...(hold && { hold: { reason: hold.reason, message: hold.message } }) };
}

function whyStop(
  { pod, ref, isDeleted, stopWish }: PodRecord,
  task: EcsTask,
  isPastDeadline: boolean,
): { readonly reason: string; readonly message: string } | undefined {
  if (isDeleted) {
    return {
      reason: endReason(`pod ${ref.namespace}/${ref.name} is deleted`),
      message: 'Stopping task: the pod is deleted',
    };
  }
  if (isPastDeadline) return { reason: endReason(deadlineExceeded.reason), message: deadlineExceeded.message };
  if (stopWish?.taskArn === task.arn) return { reason: restartReason(stopWish.why), message: stopWish.why };
  const why = pod && (changedImage(pod, task) ?? failedSidecar(pod, task));
  return why === undefined ? undefined : { reason: restartReason(why), message: why };
}

/** A running container keeps its image, so the task makes way for one with the new image. */
function changedImage({ spec }: Pod, task: EcsTask): string | undefined {
  const changed = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(isSidecar)].find((container) => {
    const running = task.containers.find(({ name }) => name === container.name);
    return running !== undefined && running.image !== container.image;
  });
  return changed && `Container ${changed.name} definition changed, will be restarted`;
}

/** ECS brings up a sidecar again that ran for a while; for one that it does not, a pod that runs for good starts anew. */
function failedSidecar(pod: Pod, task: EcsTask): string | undefined {
  if (pod.spec?.restartPolicy === 'Never' || pod.spec?.restartPolicy === 'OnFailure') return undefined;
  const dead = deadSidecar(pod, task);
  return dead && `Sidecar ${dead} has ended, will be restarted`;
}

/** A sidecar that does not run though its task does, by its name. */
export function deadSidecar({ spec }: Pod, task: EcsTask): string | undefined {
  if (task.status !== 'RUNNING' || task.desiredStatus !== 'RUNNING') return undefined;
  const isDead = ({ name }: { readonly name: string }): boolean =>
    task.containers.some((each) => each.name === name && each.status === 'STOPPED');
  return spec?.initContainers?.filter(isSidecar).find(isDead)?.name;
}

function crashLoop({ metadata }: Pod, waitMs: number): { readonly reason: string; readonly message: string } {
  const pod = `${metadata?.name}_${metadata?.namespace}(${metadata?.uid})`;
  return { reason: 'CrashLoopBackOff', message: `back-off ${waitMs / 1000}s restarting failed task of pod=${pod}` };
}

function activeDeadlineAtMs({ pod, seenAtMs }: PodRecord): number | undefined {
  const seconds = pod?.spec?.activeDeadlineSeconds;
  if (seconds === undefined || seconds === null) return undefined;
  return (Date.parse(pod?.status?.startTime ?? '') || seenAtMs) + seconds * 1000;
}
