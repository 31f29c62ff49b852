import type { PodRef } from '../kubernetes/objects.ts';
import { waitingReason } from '../provider/waiting-reason.ts';
import { type BackoffRange, jitteredBackoffDelayMs } from '../queue/backoff.ts';
import { CodedError, isRetryable, messageOf } from '../support/errors.ts';
import type { PodContext, StepResult } from './pod-context.ts';
import type { PodOperation, TrackedPod } from './tracked-pod.ts';

const retryRange: BackoffRange = { baseMs: 1000, capMs: 300_000 };

/** The Go virtual kubelet's words, so that alerts on them go on working; the last two are new here. */
const eventReasons: Readonly<Record<PodOperation, string>> = {
  create: 'ProviderCreateFailed',
  update: 'ProviderUpdateFailed',
  delete: 'ProviderDeleteFailed',
  release: 'ProviderReleaseFailed',
};

export type AttemptResult =
  | { readonly kind: 'succeeded' }
  /** Too early to try, or tried and failed: the reconcile comes back. */
  | Extract<StepResult, { kind: 'again' }>
  /** It can never succeed. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

/**
 * Asks the provider for something about a pod. Failures that may pass are told in an event, kept in `tracked.failure` for
 * the status, and tried again with backoff that a reconcile for another cause does not cut short. Rejects only where the
 * signal has aborted.
 */
export async function attempt(
  context: PodContext,
  tracked: TrackedPod,
  { operation, signal, call }: { operation: PodOperation; signal: AbortSignal; call: () => Promise<void> },
): Promise<AttemptResult> {
  const { clock, random } = context;
  const before = tracked.failure?.operation === operation ? tracked.failure : undefined;
  if (before !== undefined && clock.now() < before.retryAtMs) {
    return { kind: 'again', retryAfterMs: before.retryAtMs - clock.now() };
  }
  try {
    await call();
    tracked.failure = undefined;
    return { kind: 'succeeded' };
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = waitingReason(error);
    const message = messageOf(error);
    tellFailure(context, tracked.ref, { operation, error, message });
    if (!isRetryable(error)) {
      tracked.failure = undefined;
      return { kind: 'refused', reason, message };
    }
    const count = (before?.count ?? 0) + 1;
    const askedMs = error instanceof CodedError ? (error.retryAfterMs ?? 0) : 0;
    const retryAfterMs = Math.max(jitteredBackoffDelayMs(count - 1, retryRange, random), askedMs);
    tracked.failure = { operation, reason, message, count, retryAtMs: clock.now() + retryAfterMs };
    return { kind: 'again', retryAfterMs };
  }
}

function tellFailure(
  { recordEvent, log }: PodContext,
  pod: PodRef,
  { operation, error, message }: { operation: PodOperation; error: unknown; message: string },
): void {
  recordEvent({ pod, type: 'Warning', reason: eventReasons[operation], message });
  log.warn(`The provider could not ${operation} the pod`, { ...pod, error });
}
