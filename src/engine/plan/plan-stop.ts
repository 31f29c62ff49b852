import type { Attempt } from '../pod/actual-pod.ts';
import type { PodNotes } from '../pod/notes.ts';
import type { Action, LifecycleHandler } from './action.ts';

export interface StopWish {
  readonly attempt: Attempt;
  readonly preStop: LifecycleHandler | undefined;
  /** 0 kills at once. */
  readonly graceSeconds: number;
  /** When the grace is over; undefined counts it from now, or from when the stop began. */
  readonly deadlineMs?: number;
  /** For the event. */
  readonly message: string;
  /** Start it again afterwards, whatever it exits with. */
  readonly restart: boolean;
  /** Others have to end first; past the deadline it does not wait for them any more. */
  readonly waits?: boolean;
}

/** A container that is stopped before it is killed always gets this long, as with kubelet. */
const leastGraceSeconds = 2;

/**
 * The next step towards a container's end: its preStop hook, then its turn, then the signal; again where the deadline
 * has moved closer since (kubelet's `killContainer`). The hook and the wait for its turn are part of the grace.
 */
export function planStop(
  wish: StopWish,
  { stops, nowMs }: { readonly stops: PodNotes['stops']; readonly nowMs: number },
): { readonly action?: Action; readonly nextAtMs?: number } {
  const { attempt, graceSeconds, message, restart } = wish;
  const progress = stops.get(attempt.id);
  const wishedMs = wish.deadlineMs ?? progress?.deadlineMs ?? nowMs + graceSeconds * 1000;
  const deadlineMs = Math.min(wishedMs, progress?.deadlineMs ?? Number.POSITIVE_INFINITY);
  const hasTime = deadlineMs > nowMs;

  if (progress?.signalledDeadlineMs !== undefined && progress.signalledDeadlineMs <= deadlineMs) return {};
  if (hasTime && progress?.signalledDeadlineMs === undefined) {
    if (wish.preStop !== undefined && (progress === undefined || progress.hook === 'none')) {
      const action = { kind: 'run-pre-stop', attempt, hook: wish.preStop, deadlineMs, message, restart } as const;
      return { action, nextAtMs: deadlineMs };
    }
    if (progress?.hook === 'running' || wish.waits) return { nextAtMs: deadlineMs };
  }
  const remainingSeconds = Math.ceil((deadlineMs - nowMs) / 1000);
  const signalSeconds = graceSeconds === 0 ? 0 : Math.max(remainingSeconds, leastGraceSeconds);
  return { action: { kind: 'signal', attempt, deadlineMs, graceSeconds: signalSeconds, message, restart } };
}
