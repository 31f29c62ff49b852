import type { Clock } from '../support/clock.ts';
import { CodedError, isRetryable } from '../support/errors.ts';
import type { Backoff } from './backoff.ts';
import { DelayedKeys } from './delayed-keys.ts';

/** What a reconcile says when it did not fail: done, or look again in a while. */
export interface ProcessResult {
  readonly retryAfterMs?: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a process function that has nothing to say returns nothing
export type Process = (key: string) => Promise<ProcessResult | void>;

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** How long a key waits whose processing rejected. */
  readonly backoff: Backoff;
  /**
   * Told of each rejection. `retryAfterMs` is when the key comes again; undefined where the error says that trying
   * again cannot help (`isRetryable`): such a key comes again only when it is added.
   */
  readonly onError: (key: string, error: unknown, retryAfterMs: number | undefined) => void;
}

export interface RunQueueOptions {
  /** Keys processed at the same time. */
  readonly workers: number;
  /** Ends the run: no further key is taken, those in work finish. */
  readonly signal: AbortSignal;
  readonly process: Process;
}

/** `dirty`: in work, and added again meanwhile. */
type KeyState = 'queued' | 'processing' | 'dirty';

/**
 * A queue of keys for level-based reconcilers, with controller-runtime's promises: a key waits at most once; it is
 * never in work twice at the same time; added while in work, it comes again afterwards. Keys come in the order in
 * which they were added. One turn of the event loop starts at most `workers` keys, so a long queue starves nobody.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #states = new Map<string, KeyState>();
  readonly #delayed: DelayedKeys;
  /** Whose last processing rejected, and who wait for their next try. */
  readonly #failed = new Set<string>();
  /** First in, first out from `#head`: taking a key moves the head instead of the array. */
  #ready: string[] = [];
  #head = 0;
  #inWork = 0;
  #run: (RunQueueOptions & { readonly finish: () => void }) | undefined;
  #pumpScheduled = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#delayed = new DelayedKeys(options.clock, (key) => this.add(key));
  }

  /** Keys that wait to be taken now, without those that wait for a time. */
  get depth(): number {
    return this.#ready.length - this.#head;
  }

  /** Keys in work. */
  get inWork(): number {
    return this.#inWork;
  }

  /** Keys that wait for a time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  add(key: string): void {
    const state = this.#states.get(key);
    if (state === 'queued' || state === 'dirty') return;
    if (state === 'processing') {
      this.#states.set(key, 'dirty');
      return;
    }
    this.#enqueue(key);
  }

  /** Adds `key` in `delayMs` milliseconds; of several times for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs > 0) this.#delayed.add(key, delayMs);
    else this.add(key);
  }

  /** What made keys fail is over: those that wait for their next try come now, and their backoff begins anew. */
  retryFailed(): void {
    for (const key of this.#failed) {
      this.#options.backoff.reset(key);
      this.add(key);
    }
  }

  /**
   * Processes keys until the signal aborts, then resolves when those in work have finished. To be called once; keys
   * added before wait for it.
   */
  run(options: RunQueueOptions): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        if (!options.signal.aborted || this.#inWork > 0) return;
        this.#delayed.clear();
        resolve();
      };
      this.#run = { ...options, finish };
      options.signal.addEventListener('abort', finish, { once: true });
      finish();
      this.#schedulePump();
    });
  }

  #enqueue(key: string): void {
    this.#states.set(key, 'queued');
    this.#ready.push(key);
    this.#schedulePump();
  }

  /** Work starts in a later turn, never inside `add`: a caller's handler is not entered again by its own call. */
  #schedulePump(): void {
    if (this.#pumpScheduled || this.#run === undefined || this.depth === 0) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const run = this.#run;
    if (run === undefined) return;
    while (this.#inWork < run.workers && !run.signal.aborted) {
      const key = this.#take();
      if (key === undefined) return;
      this.#inWork += 1;
      this.#states.set(key, 'processing');
      void this.#work(key, run.process).then(() => {
        this.#inWork -= 1;
        const state = this.#states.get(key);
        this.#states.delete(key);
        if (state === 'dirty') this.#enqueue(key);
        this.#schedulePump();
        run.finish();
      });
    }
  }

  #take(): string | undefined {
    if (this.depth === 0) return undefined;
    const key = this.#ready[this.#head];
    this.#head += 1;
    if (this.#head >= 1024 && this.#head * 2 >= this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    return key;
  }

  async #work(key: string, process: Process): Promise<void> {
    const { backoff, onError } = this.#options;
    try {
      const result = await process(key);
      backoff.reset(key);
      this.#failed.delete(key);
      if (result?.retryAfterMs !== undefined) this.addAfter(key, result.retryAfterMs);
    } catch (error) {
      const retryAfterMs = isRetryable(error) ? this.#retryDelayMs(key, error) : undefined;
      if (retryAfterMs === undefined) {
        this.#failed.delete(key);
      } else {
        this.#failed.add(key);
        this.addAfter(key, retryAfterMs);
      }
      onError(key, error, retryAfterMs);
    }
  }

  #retryDelayMs(key: string, error: unknown): number {
    const askedMs = error instanceof CodedError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(this.#options.backoff.nextDelayMs(key), askedMs);
  }
}
