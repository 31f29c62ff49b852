import { attempt } from '../attempt.ts';
import { done, type PodContext, type StepResult } from '../pod-context.ts';
import { hasEnded, type TrackedPod } from '../tracked-pod.ts';
import { end } from './end.ts';

/** As in `end`: what is left must not be forgotten. */
const hopelessRetryMs = 300_000;

/**
 * For a pod whose object is gone: ends what the provider still runs of it, with the grace of its spec (kubelet's
 * `HandlePodRemoves`) or 1 s where that was never seen, then lets the provider remove what is left, and forgets it.
 */
export async function release(context: PodContext, tracked: TrackedPod, signal: AbortSignal): Promise<StepResult> {
  const result = await end(context, tracked, { gracePeriodSeconds: tracked.gracePeriodSeconds, signal });
  if (!hasEnded(tracked)) return result;
  if (tracked.isTouched || tracked.observed !== undefined) {
    const released = await attempt(context, tracked, {
      operation: 'release',
      signal,
      call: () => context.provider.releasePod(tracked.ref, { signal }),
    });
    if (released.kind === 'again') return released;
    if (released.kind === 'refused') return { kind: 'again', retryAfterMs: hopelessRetryMs };
  }
  context.tracker.forget(tracked.ref.uid);
  return done;
}
