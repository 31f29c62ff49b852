import type { Pod } from '../../kubernetes/objects.ts';
import { hasCode } from '../../support/errors.ts';
import { attempt } from '../attempt.ts';
import { done, type PodContext, type StepResult } from '../pod-context.ts';
import { hasEnded, leastGracePeriodSeconds, type TrackedPod } from '../tracked-pod.ts';

export interface EndOptions {
  /** The whole grace that was given; a shorter one than the last time makes the provider hurry. */
  readonly gracePeriodSeconds: number;
  /** What is left of it; default all. */
  readonly remainingSeconds?: number;
  readonly signal: AbortSignal;
}

/** How long after the end of its grace a pod may still run before the provider is asked again. */
const patienceMs = 60_000;
/** A provider that says it can never end a pod is asked all the same: what runs must not be forgotten. */
const hopelessRetryMs = 300_000;

/**
 * Asks the provider to end the pod, and again where the grace has become shorter. That it has ended is for the provider
 * to say, by what it pushes; a pod that it never had, or does not know any more, has ended.
 */
export async function end(context: PodContext, tracked: TrackedPod, options: EndOptions): Promise<StepResult> {
  if (hasEnded(tracked)) return done;
  if (!tracked.isTouched && tracked.observed === undefined) {
    tracked.isNothingLeft = true;
    return done;
  }
  const nowMs = context.clock.now();
  const { gracePeriodSeconds, remainingSeconds = gracePeriodSeconds, signal } = options;
  if (tracked.end !== undefined && gracePeriodSeconds >= tracked.end.gracePeriodSeconds) {
    const retryAfterMs = tracked.end.askAgainAtMs - nowMs;
    if (retryAfterMs > 0) return { kind: 'again', retryAfterMs };
  }
  let isUnknown = false;
  const result = await attempt(context, tracked, {
    operation: 'delete',
    signal,
    call: async () => {
      try {
        await context.provider.deletePod(tracked.ref, { gracePeriodSeconds: remainingSeconds, signal });
      } catch (error) {
        if (!hasCode(error, 'NotFound')) throw error;
        isUnknown = true;
      }
    },
  });
  if (result.kind === 'again') return result;
  if (result.kind === 'refused') return { kind: 'again', retryAfterMs: hopelessRetryMs };
  if (isUnknown) {
    tracked.observed = undefined;
    tracked.isNothingLeft = true;
    return done;
  }
  tracked.end = { gracePeriodSeconds, askAgainAtMs: nowMs + remainingSeconds * 1000 + patienceMs };
  return hasEnded(tracked) ? done : { kind: 'again', retryAfterMs: tracked.end.askAgainAtMs - nowMs };
}

/**
 * The grace of a pod that is being deleted: `deletionTimestamp` is when it runs out. Never under 1 s, as with kubelet
 * (`calculateEffectiveGracePeriod`), and never over what was given, whatever our clock says.
 */
export function graceOf(
  pod: Pod,
  nowMs: number,
): { readonly gracePeriodSeconds: number; readonly remainingSeconds: number } {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  const gracePeriodSeconds = Math.max(deletionGracePeriodSeconds ?? specGraceSeconds(pod), leastGracePeriodSeconds);
  const leftSeconds = Math.ceil((Date.parse(deletionTimestamp ?? '') - nowMs) / 1000);
  const remainingSeconds = Number.isNaN(leftSeconds)
    ? gracePeriodSeconds
    : Math.min(Math.max(leftSeconds, leastGracePeriodSeconds), gracePeriodSeconds);
  return { gracePeriodSeconds, remainingSeconds };
}

/** kubelet's default where the API server has set none. */
export function specGraceSeconds(pod: Pod): number {
  return Math.max(pod.spec?.terminationGracePeriodSeconds ?? 30, leastGracePeriodSeconds);
}
