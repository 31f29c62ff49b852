import type { RecordPodEvent } from '../../../podspec/pod-events.ts';
import { hasStopped } from '../ecs/ecs-task.ts';
import { deadSidecar } from './plan.ts';
import type { PodRecord } from './pod-record.ts';

/** Tells once of each task that ended in a way that its owner should hear of. */
export function tellEnd(record: PodRecord, recordEvent: RecordPodEvent): void {
  const { ref, task } = record;
  if (task === undefined || !hasStopped(task) || record.toldEndOf === task.arn) return;
  record.toldEndOf = task.arn;
  const { stopCode, stoppedReason = '' } = task;
  if (stopCode === 'TaskFailedToStart')
    recordEvent({ pod: ref, type: 'Warning', reason: 'Failed', message: stoppedReason });
  if (stopCode === 'SpotInterruption' || stopCode === 'TerminationNotice') {
    recordEvent({ pod: ref, type: 'Warning', reason: stopCode, message: stoppedReason });
  }
}

/** Tells once of each task that lost a sidecar for which it is not started anew, since its work would be done twice. */
export function tellDeadSidecar(record: PodRecord, recordEvent: RecordPodEvent): void {
  const { ref, pod, task } = record;
  if (pod === undefined || task === undefined || record.toldSidecarOf === task.arn) return;
  const name = deadSidecar(pod, task);
  if (name === undefined) return;
  record.toldSidecarOf = task.arn;
  const message = `Sidecar ${name} has ended and the pod runs on without it: ECS brings up only one that ran for a minute`;
  recordEvent({ pod: ref, type: 'Warning', reason: 'Failed', message });
}

/** Tells once an attempt that the next one has to wait. */
export function tellHold(
  record: PodRecord,
  hold: { readonly reason: string; readonly message: string },
  recordEvent: RecordPodEvent,
): void {
  if (hold.reason !== 'CrashLoopBackOff' || record.toldHoldOf === record.attempt.number) return;
  record.toldHoldOf = record.attempt.number;
  recordEvent({
    pod: record.ref,
    type: 'Warning',
    reason: 'BackOff',
    message: `Back-off restarting failed task: ${hold.message}`,
  });
}
