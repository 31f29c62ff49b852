import type { Clock, Timer } from '../support/clock.ts';

interface Entry {
  readonly key: string;
  dueAtMs: number;
  /** Where it stands in the heap. */
  index: number;
}

/**
 * Keys that fall due later, each once: the earliest time asked for counts. A binary heap with one timer for its top,
 * however many keys wait.
 */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #heap: Entry[] = [];
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** `key` falls due in `delayMs` milliseconds, or earlier where that was asked before. */
  add(key: string, delayMs: number): void {
    const dueAtMs = this.#clock.now() + delayMs;
    const known = this.#entries.get(key);
    if (known === undefined) {
      const entry = { key, dueAtMs, index: this.#heap.length };
      this.#entries.set(key, entry);
      this.#heap.push(entry);
      this.#rise(entry);
    } else if (dueAtMs < known.dueAtMs) {
      known.dueAtMs = dueAtMs;
      this.#rise(known);
    }
    this.#arm();
  }

  /** Forgets all keys and ends the timer. */
  clear(): void {
    this.#entries.clear();
    this.#heap.length = 0;
    this.#arm();
  }

  #arm(): void {
    const topAtMs = this.#heap[0]?.dueAtMs ?? Number.POSITIVE_INFINITY;
    if (topAtMs === this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = topAtMs;
    this.#timer =
      topAtMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#clock.after(Math.max(topAtMs - this.#clock.now(), 0), () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.#clock.now();
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    for (let top = this.#heap[0]; top !== undefined && top.dueAtMs <= nowMs; top = this.#heap[0]) {
      this.#removeTop(top);
      this.#onDue(top.key);
    }
    this.#arm();
  }

  #removeTop(top: Entry): void {
    this.#entries.delete(top.key);
    const last = this.#heap.pop();
    if (last === undefined || last === top) return;
    this.#place(last, 0);
    this.#sink(last);
  }

  #rise(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (parent === undefined || parent.dueAtMs <= entry.dueAtMs) return;
      this.#swap(parent, entry);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = right !== undefined && left !== undefined && right.dueAtMs < left.dueAtMs ? right : left;
      if (child === undefined || entry.dueAtMs <= child.dueAtMs) return;
      this.#swap(entry, child);
    }
  }

  #swap(upper: Entry, lower: Entry): void {
    const { index } = upper;
    this.#place(upper, lower.index);
    this.#place(lower, index);
  }

  #place(entry: Entry, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }
}
