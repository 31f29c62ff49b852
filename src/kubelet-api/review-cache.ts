import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../support/clock.ts';

/** An answer and how long it may be given again, in milliseconds; 0 for not at all. */
export interface Review<T> {
  readonly answer: T;
  readonly keepMs: number;
}

/**
 * Answers of the API server, kept for a while. Bounded: the entry that was used longest ago goes first. Questions are
 * kept as keyed digests, so that neither a long question nor a secret one stays in memory. Equal questions at the same
 * time are asked once.
 */
export class ReviewCache<T> {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #secret = randomBytes(32);
  /** In order of use. */
  readonly #kept = new Map<string, { readonly answer: T; readonly untilMs: number }>();
  readonly #asking = new Map<string, Promise<T>>();

  constructor(options: { readonly clock: Clock; readonly maxEntries: number }) {
    this.#clock = options.clock;
    this.#maxEntries = options.maxEntries;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The kept answer to `question`, or what `ask` gives. What `ask` throws is not kept. */
  answer(question: string, ask: () => Promise<Review<T>>): Promise<T> {
    const key = createHmac('sha256', this.#secret).update(question).digest('base64');
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      if (kept.untilMs > this.#clock.now()) {
        this.#kept.set(key, kept);
        return Promise.resolve(kept.answer);
      }
    }
    const asking = this.#asking.get(key) ?? this.#ask(key, ask);
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(key: string, ask: () => Promise<Review<T>>): Promise<T> {
    try {
      const { answer, keepMs } = await ask();
      if (keepMs > 0) this.#kept.set(key, { answer, untilMs: this.#clock.now() + keepMs });
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size <= this.#maxEntries) break;
        this.#kept.delete(oldest);
      }
      return answer;
    } finally {
      this.#asking.delete(key);
    }
  }
}
