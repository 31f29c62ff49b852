import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Operation } from '../protocol/operation.ts';
import { type BucketName, rates } from './rates.ts';
import { TokenBucket } from './token-bucket.ts';

/** Refuses calls that come faster than AWS takes them, times a factor that can be turned. */
export class Throttle {
  readonly #clock: Clock;
  readonly #factor: () => number;
  #buckets = new Map<BucketName, TokenBucket>();
  #bucketsFactor = Number.NaN;

  constructor(options: { readonly clock: Clock; readonly factor: () => number }) {
    this.#clock = options.clock;
    this.#factor = options.factor;
  }

  /** Takes `count` tokens, or throws `ThrottlingException`. */
  take(name: BucketName, count = 1): void {
    const factor = this.#factor();
    if (factor === 0) return;
    if (factor !== this.#bucketsFactor) {
      this.#buckets = new Map();
      this.#bucketsFactor = factor;
    }
    let bucket = this.#buckets.get(name);
    if (!bucket) {
      const { burst, perSecond } = rates[name];
      bucket = new TokenBucket({ burst: burst * factor, perSecond: perSecond * factor }, this.#clock.now());
      this.#buckets.set(name, bucket);
    }
    if (!bucket.take(count, this.#clock.now())) throw new AwsError('ThrottlingException', 'Rate exceeded');
  }

  /** The operation, each call of which takes a token of the bucket first. */
  limit(name: BucketName, operation: Operation): Operation {
    return {
      name: operation.name,
      answer: (input, call) => {
        this.take(name);
        return operation.answer(input, call);
      },
    };
  }
}
