import type { TaskKey } from './pod/notes.ts';

export interface TaskOptions {
  /** Aborts when the engine ends. */
  readonly signal: AbortSignal;
  /** Called when the task has ended. */
  readonly afterwards: () => void;
}

/** Work in flight for one pod, each kind at most once at a time. Tasks never reject: they deal with their own failures. */
export class Tasks {
  readonly #running = new Map<TaskKey, { readonly abandon: AbortController; readonly done: Promise<void> }>();

  has(key: TaskKey): boolean {
    return this.#running.has(key);
  }

  /** Starts `work`. Does nothing where the key is taken. */
  run(key: TaskKey, { signal, afterwards }: TaskOptions, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#running.has(key)) return;
    const abandon = new AbortController();
    const done = work(AbortSignal.any([signal, abandon.signal])).finally(() => {
      this.#running.delete(key);
      afterwards();
    });
    this.#running.set(key, { abandon, done });
  }

  /** Asks tasks to stop before their next step; all where none are named. */
  abandon(keys: Iterable<TaskKey> = this.#running.keys()): void {
    for (const key of keys) this.#running.get(key)?.abandon.abort(new Error('abandoned'));
  }

  /** Resolves when these tasks have ended; all where none are named. */
  async ended(keys: Iterable<TaskKey> = this.#running.keys()): Promise<void> {
    await Promise.all([...keys].map((key) => this.#running.get(key)?.done));
  }
}
