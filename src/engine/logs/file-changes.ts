import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../../support/clock.ts';

/** How somebody who follows a log learns that nothing more will come. */
export interface Following {
  /** Whether the container has ended. */
  readonly hasEnded: () => boolean;
  /** Resolves when it may have. */
  readonly untilChanged: (options: { readonly signal: AbortSignal }) => Promise<void>;
  readonly clock: Clock;
}

/** Not every file system tells of changes. */
const lookAgainMs = 1000;

/** Says when a log may have more: on a change of the file, at the container's end, else each second. */
export class FileChanges {
  readonly #following: Following;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, following: Following) {
    this.#following = following;
    const onChange = (): void => {
      this.#changed = true;
      this.#wake?.();
    };
    try {
      this.#watcher = watch(path, { persistent: false }, onChange);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No watches left on this machine: looking each second has to do.
      this.#watcher = undefined;
    }
  }

  /** Resolves when reading again may give more; rejects where the signal aborts. */
  async next({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) {
      const done = new AbortController();
      const either = AbortSignal.any([signal, done.signal]);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        this.#following.untilChanged({ signal: either }).catch(() => {}),
        this.#following.clock.sleep(lookAgainMs, { signal: either }).catch(() => {}),
      ]);
      done.abort();
    }
    this.#changed = false;
    signal.throwIfAborted();
  }

  close(): void {
    this.#watcher?.close();
  }
}
