import type { CallOptions } from '../runtime.ts';

/** Lets things of one key happen one after another. */
export class Turns {
  /** The last in each queue; settles when its turn is over. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Rejects as `work` does; with the signal's reason where that aborts before its turn has come. */
  async take<T>(key: string, { signal }: CallOptions, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(() => {
      signal.throwIfAborted();
      return work();
    });
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return await turn;
  }
}
