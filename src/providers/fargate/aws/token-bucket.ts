import type { Clock, Timer } from '../../../support/clock.ts';

export interface Rate {
  /** Tokens that a full bucket has. */
  readonly burst: number;
  readonly perSecond: number;
}

interface Waiting {
  readonly take: () => void;
}

/** Holds calls back until AWS would take them. Whoever comes first is served first; one timer, however many wait. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #tokens: number;
  #filledAtMs: number;
  #timer: Timer | undefined;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#filledAtMs = clock.now();
  }

  /** How full it is, from 0 to 1: work that can wait looks before it takes from others. */
  get level(): number {
    this.#fill();
    return this.#tokens / this.#rate.burst;
  }

  /** Takes a token, as soon as there is one. Rejects with the signal's reason where it aborts before. */
  take({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const giveUp = (): void => {
        this.#waiting.delete(waiting);
        reject(signal.reason as Error);
      };
      const waiting: Waiting = {
        take: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(waiting);
      this.#serve();
    });
  }

  /** AWS said that we are too fast: somebody else takes from the same bucket. Everybody waits for it to fill again. */
  empty(): void {
    this.#fill();
    this.#tokens = Math.min(this.#tokens, 0);
  }

  #serve(): void {
    this.#fill();
    for (const waiting of this.#waiting) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiting.delete(waiting);
      waiting.take();
    }
    if (this.#waiting.size === 0 || this.#timer !== undefined) return;
    const delayMs = Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1000);
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  #fill(): void {
    const nowMs = this.#clock.now();
    const passedSeconds = Math.max(nowMs - this.#filledAtMs, 0) / 1000;
    this.#tokens = Math.min(this.#tokens + passedSeconds * this.#rate.perSecond, this.#rate.burst);
    this.#filledAtMs = nowMs;
  }
}
