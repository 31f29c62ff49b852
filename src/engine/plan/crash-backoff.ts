import type { Attempt } from '../pod/actual-pod.ts';

/** The least wait after a second end; it doubles with each further one (kubelet's `initialCrashLoopBackOff`). */
const baseMs = 10_000;
/** The longest wait (kubelet's `MaxContainerBackOff`). */
const capMs = 300_000;
/** Having run this long, a container is no crash loop any more. */
const forgottenAfterMs = 600_000;

export interface NextAttempt {
  /** When it may start. */
  readonly atMs: number;
  /** How long the one after it will have to wait. */
  readonly backoffMs: number;
}

/**
 * When a container that has ended may start again, as kubelet's `doBackOff` has it: at once after its first end, 10 s
 * after its second, doubling to 300 s, anew after 10 minutes of running or with another image. Each attempt carries its
 * wait in a label, so that none is forgotten when we die.
 */
export function nextAttempt(last: Attempt, image: string): NextAttempt {
  if (last.state.kind !== 'exited') return { atMs: 0, backoffMs: last.backoffMs };
  const { finishedAtMs } = last.state;
  if (finishedAtMs - last.createdAtMs > forgottenAfterMs || last.image !== image) {
    return { atMs: finishedAtMs, backoffMs: baseMs };
  }
  return {
    atMs: finishedAtMs + last.backoffMs,
    backoffMs: Math.min(Math.max(last.backoffMs * 2, baseMs), capMs),
  };
}
