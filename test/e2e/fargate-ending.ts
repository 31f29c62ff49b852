import type { Ending } from './harness.ts';

/** The end of what is no single test. */
export class ListedEnding implements Ending {
  readonly #ends: (() => Promise<void>)[] = [];

  after(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  /** Calls all of them in order, whatever becomes of one, then rejects with the first error. */
  async come(): Promise<void> {
    const errors: unknown[] = [];
    for (const end of this.#ends) await end().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }
}
