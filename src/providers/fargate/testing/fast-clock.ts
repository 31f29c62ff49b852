import { BaseClock, type Timer } from '../../../support/clock.ts';

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Between two steps, of the machine's time. */
const tickMs = 1;
/** So often the event loop goes round in a step: what comes over loopback is handled meanwhile, hop by hop. */
const turnsATick = 5;
/** What the event loop waits for that another thread or the kernel still does for us. */
const work = /^(FS|GetAddrInfo|TCPConnect|Write|Shutdown|Zlib|Hash|RandomBytes|Scrypt|PBKDF2)/;

/**
 * A clock that goes by the event loop: each time the loop has gone round a few times, so many milliseconds have passed,
 * however long that took. At its best it is as many times as fast as the machine's clock; on a machine that is slow or
 * busy it is slow too, so that nothing runs into a deadline because the processor was somewhere else.
 */
export class FastClock extends BaseClock {
  readonly #stepMs: number;
  readonly #waiting = new Set<Waiting>();
  #nowMs = Date.parse('2026-07-01T00:00:00Z');
  #order = 0;
  #isStopped = false;

  constructor(factor: number) {
    super();
    this.#stepMs = factor * tickMs;
    this.#scheduleStep();
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const waiting: Waiting = { atMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, callback };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }

  /** Time stands still from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  #scheduleStep(): void {
    // Nobody stays alive for the sake of time.
    setTimeout(() => void this.#step(), tickMs).unref();
  }

  async #step(): Promise<void> {
    for (let turn = 0; turn < turnsATick; turn++) await nextTurn();
    if (this.#isStopped) return;
    if (!process.getActiveResourcesInfo().some((kind) => work.test(kind))) await this.#advance();
    this.#scheduleStep();
  }

  /** One timer after the other, each with a turn of the event loop for what it sets off. */
  async #advance(): Promise<void> {
    const untilMs = this.#nowMs + this.#stepMs;
    for (;;) {
      let next: Waiting | undefined;
      for (const waiting of this.#waiting) {
        if (waiting.atMs > untilMs) continue;
        if (!next || waiting.atMs < next.atMs || (waiting.atMs === next.atMs && waiting.order < next.order)) {
          next = waiting;
        }
      }
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await nextTurn();
    }
    this.#nowMs = untilMs;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
