import type { Clock } from '../support/clock.ts';
import type { Random } from '../support/random.ts';

export interface BackoffRange {
  /** Wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** Longest wait, in milliseconds. */
  readonly capMs: number;
}

/** The wait before try `attempt + 1`, doubling from `baseMs` (attempt 0) up to `capMs`, without jitter. */
export function backoffDelayMs(attempt: number, { baseMs, capMs }: BackoffRange): number {
  return Math.min(baseMs * 2 ** Math.max(attempt, 0), capMs);
}

/** The same wait shortened by chance to between half and all of it, so that many who failed together spread out. */
export function jitteredBackoffDelayMs(attempt: number, range: BackoffRange, random: Random): number {
  return backoffDelayMs(attempt, range) * (1 - random() / 2);
}

interface Failures {
  count: number;
  lastAtMs: number;
}

export interface BackoffDependencies {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Counts failures by key and says how long to wait after each. A key that has not failed for twice `capMs` starts
 * anew and takes no memory.
 */
export class Backoff {
  readonly #range: BackoffRange;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #failures = new Map<string, Failures>();
  #sweptAtMs: number;

  constructor(range: BackoffRange, { clock, random }: BackoffDependencies) {
    this.#range = range;
    this.#clock = clock;
    this.#random = random;
    this.#sweptAtMs = clock.now();
  }

  /** Notes a failure of `key`; gives the jittered wait before the next try, in milliseconds. */
  nextDelayMs(key: string): number {
    const nowMs = this.#clock.now();
    this.#sweep(nowMs);
    const known = this.#failures.get(key);
    const failures = known !== undefined && !this.#isForgotten(known, nowMs) ? known : { count: 0, lastAtMs: nowMs };
    const delayMs = jitteredBackoffDelayMs(failures.count, this.#range, this.#random);
    failures.count += 1;
    failures.lastAtMs = nowMs;
    this.#failures.set(key, failures);
    return delayMs;
  }

  /** Failures in a row so far. */
  failures(key: string): number {
    const known = this.#failures.get(key);
    return known === undefined || this.#isForgotten(known, this.#clock.now()) ? 0 : known.count;
  }

  /** `key` succeeded, or is no more. */
  reset(key: string): void {
    this.#failures.delete(key);
  }

  /** How many keys take memory. */
  get size(): number {
    return this.#failures.size;
  }

  #isForgotten(failures: Failures, nowMs: number): boolean {
    return nowMs - failures.lastAtMs > 2 * this.#range.capMs;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs <= 2 * this.#range.capMs) return;
    this.#sweptAtMs = nowMs;
    for (const [key, failures] of this.#failures) {
      if (this.#isForgotten(failures, nowMs)) this.#failures.delete(key);
    }
  }
}
