import { type BackoffRange, jitteredBackoffDelayMs } from '../../../queue/backoff.ts';
import { isAbortOf } from '../../../support/abort.ts';
import type { Clock } from '../../../support/clock.ts';
import { hasCode } from '../../../support/errors.ts';
import type { Random } from '../../../support/random.ts';
import { fromAws } from './aws-error.ts';
import type { TokenBucket } from './token-bucket.ts';

export interface AwsCall {
  /** For the message of an error: `cannot run a task`. */
  readonly what: string;
  readonly buckets: readonly TokenBucket[];
  readonly signal: AbortSignal;
}

const throttledRange: BackoffRange = { baseMs: 500, capMs: 8000 };
/** After so many refusals whoever called is told, and shows it. */
const mostTries = 4;

/**
 * Sends calls within AWS's budgets. The SDK's own retries are switched off: each try counts here. What is throttled all
 * the same is tried again a little later; every other error is for the caller, as a `CodedError`.
 */
export class AwsCaller {
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  async call<T>(
    { what, buckets, signal }: AwsCall,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      for (const bucket of buckets) await bucket.take({ signal });
      try {
        return await send({ abortSignal: signal });
      } catch (cause) {
        if (isAbortOf(signal, cause)) throw signal.reason;
        const error = fromAws(what, cause);
        if (!hasCode(error, 'Throttled') || tries >= mostTries) throw error;
        for (const bucket of buckets) bucket.empty();
        await this.#clock.sleep(jitteredBackoffDelayMs(tries - 1, throttledRange, this.#random), { signal });
      }
    }
  }
}
