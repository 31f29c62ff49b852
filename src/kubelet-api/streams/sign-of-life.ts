import type { Clock, Timer } from '../../support/clock.ts';

/** kubectl hangs up when it has heard nothing for a minute. */
const everyMs = 10_000;

/**
 * While a connection is held back, it is not read: its pings are not answered, and its end is not seen. So something
 * is sent now and then: the client knows that we live, and where it does not, the sending fails and we know that.
 */
export class SignOfLife {
  readonly #clock: Clock;
  readonly #send: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, send: () => void) {
    this.#clock = clock;
    this.#send = send;
  }

  start(): void {
    this.#timer ??= this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): Timer {
    return this.#clock.after(everyMs, () => {
      this.#timer = this.#next();
      this.#send();
    });
  }
}
