import { BaseClock, systemClock, type Timer } from '../../../support/clock.ts';

/** The machine's clock, but so many times as fast: what takes minutes on Fargate takes seconds in a test. */
export class FastClock extends BaseClock {
  readonly #startMs = systemClock.now();
  readonly #factor: number;

  constructor(factor: number) {
    super();
    this.#factor = factor;
  }

  now(): number {
    return Math.floor(this.#startMs + (systemClock.now() - this.#startMs) * this.#factor);
  }

  after(delayMs: number, callback: () => void): Timer {
    return systemClock.after(delayMs / this.#factor, callback);
  }
}
