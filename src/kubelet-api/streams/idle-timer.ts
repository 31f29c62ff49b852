import type { Clock, Timer } from '../../support/clock.ts';

/** Calls back once when nothing has happened for a while. Something happening costs a reading of the clock, no timer. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #lastMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    this.#lastMs = clock.now();
    this.#wait(timeoutMs);
  }

  /** Something has happened. */
  touch(): void {
    this.#lastMs = this.#clock.now();
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #wait(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const leftMs = this.#lastMs + this.#timeoutMs - this.#clock.now();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#onIdle();
    });
  }
}
