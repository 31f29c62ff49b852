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
  readonly #onChange = (): void => {
    this.#changed = true;
    this.#wake?.();
  };
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, following: Following) {
    this.#following = following;
    this.watch(path);
  }

  /** To be called again when another file has got this name. */
  watch(path: string): void {
    this.close();
    try {
      const watcher = watch(path, { persistent: false }, this.#onChange);
      watcher.on('error', () => watcher.close());
      this.#watcher = watcher;
    } catch {
      // No watches left on this machine, or no file: looking each second has to do.
      this.#watcher = undefined;
    }
  }

  /** Resolves when reading again may give more; rejects where the signal aborts. */
  async next({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed && !this.#following.hasEnded()) {
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
