/** Hands each event to every listener, in order; what nobody listens to is lost. */
export class EventFan<T> {
  readonly #listeners = new Set<Listener<T>>();

  emit(event: T): void {
    for (const listener of this.#listeners) listener.push(event);
  }

  /** Every listener's stream throws `error`. */
  break(error: Error): void {
    for (const listener of this.#listeners) listener.fail(error);
  }

  /** Listens from the first `next` until the signal aborts. */
  async *listen(signal: AbortSignal): AsyncGenerator<T, void> {
    const listener = new Listener<T>();
    this.#listeners.add(listener);
    const onAbort = (): void => listener.fail(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      for (;;) yield await listener.next();
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#listeners.delete(listener);
    }
  }
}

class Listener<T> {
  readonly #queue: T[] = [];
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  push(event: T): void {
    this.#queue.push(event);
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }

  async next(): Promise<T> {
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined) return event;
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
