import { isAbortOf } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { type Filesystem, readFilesystem } from './filesystem.ts';
import type { FolderSize, MeasureFolders } from './measure-folders.ts';

/** A folder whose size is kept. */
export interface MeasuredFolder {
  /** By which its size is asked for. */
  readonly key: string;
  readonly path: string;
  /** A folder of the same file system, which may stand for many. */
  readonly filesystem: string;
  /** Somebody is to be stopped where it grows too large, so it is due at each look. */
  readonly isLimited: boolean;
}

export interface DiskSize extends FolderSize {
  /** When it was measured, in milliseconds since the epoch. */
  readonly timeMs: number;
  readonly filesystem?: Filesystem;
}

/** How often it is looked for folders that are due: new ones have a size soon. */
const lookEveryMs = 10_000;
/** kubelet's volumeStatsAggPeriod. */
const dueAfterMs = 60_000;
/** What takes long is done seldom: one walk takes no more than this part of the time. */
const walkingPart = 0.1;
/** Though a clock that is set forward makes a walk look long. */
const longestWaitMs = 3_600_000;

export interface DiskSizesOptions {
  readonly measure: MeasureFolders;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How large folders are, as they were found about a minute ago: whoever asks costs no walk of their own. */
export class DiskSizes {
  readonly #options: DiskSizesOptions;
  #sizes: ReadonlyMap<string, DiskSize> = new Map();
  #hasComplained = false;

  constructor(options: DiskSizesOptions) {
    this.#options = options;
  }

  of(key: string): DiskSize | undefined {
    return this.#sizes.get(key);
  }

  /** Measures these folders soon after they come and about once a minute, until the signal aborts. */
  async run(
    folders: (options: { readonly signal: AbortSignal }) => Promise<readonly MeasuredFolder[]>,
    { signal, onMeasured }: { readonly signal: AbortSignal; readonly onMeasured: () => Promise<void> },
  ): Promise<void> {
    const { clock } = this.#options;
    let waitMs = lookEveryMs;
    while (!signal.aborted) {
      await clock.sleep(waitMs, { signal }).catch(() => {});
      if (signal.aborted) return;
      const begunAtMs = clock.now();
      try {
        await this.measure(await folders({ signal }), { signal });
        this.#hasComplained = false;
        await onMeasured();
      } catch (error) {
        if (!isAbortOf(signal, error)) this.#complain(error);
      }
      waitMs = Math.min(Math.max(lookEveryMs, (clock.now() - begunAtMs) / walkingPart), longestWaitMs);
    }
  }

  /** Measures those that are due. What is not among `folders` is forgotten. */
  async measure(folders: readonly MeasuredFolder[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { clock, measure } = this.#options;
    const dueMs = clock.now() - dueAfterMs;
    const due = folders.filter(({ key, isLimited }) => isLimited || (this.#sizes.get(key)?.timeMs ?? 0) <= dueMs);
    const paths = due.map(({ path }) => path);
    const found = paths.length === 0 ? new Map<string, FolderSize>() : await measure(paths, { signal });
    const timeMs = clock.now();
    const filesystems = new Map<string, Filesystem | undefined>();
    const sizes = new Map(
      folders.flatMap(({ key }) => {
        const known = this.#sizes.get(key);
        return known === undefined ? [] : [[key, known] as const];
      }),
    );
    for (const { key, path, filesystem: of } of due) {
      const size = found.get(path);
      if (size === undefined) {
        sizes.delete(key);
        continue;
      }
      if (!filesystems.has(of)) filesystems.set(of, await readFilesystem(of));
      const filesystem = filesystems.get(of);
      sizes.set(key, { timeMs, ...size, ...(filesystem === undefined ? {} : { filesystem }) });
    }
    this.#sizes = sizes;
  }

  /** Once, until it works again: a minute later nothing new is to be said. */
  #complain(error: unknown): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#options.log.warn('how much pods write to disk is not known, and not told', { why: messageOf(error) });
  }
}
