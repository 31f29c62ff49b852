import { link, rm, stat } from 'node:fs/promises';
import type { Runtime } from '../../runtime/runtime.ts';
import { isAbortOf } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { ifThereIsNone, rotatedFiles } from './log-files.ts';
import { LogSizes } from './log-sizes.ts';

/** kubelet's containerLogMaxSize and containerLogMaxFiles. */
export interface LogLimits {
  /** A file that has grown to this size is rotated; it may be longer by what is written between two looks. */
  readonly maxBytes: number;
  /** Of one container's log, the one that it writes into included. At least 2. */
  readonly maxFiles: number;
}

/** kubelet's containerLogMonitorInterval. */
const lookEveryMs = 10_000;

const passes = ['NotFound', 'Conflict', 'Unavailable', 'Timeout'] as const;

/** How long a watcher of a container may take to obey a process before us, of which we do not know whether it asked. */
const patienceMs = 60_000;

export interface LogRotationOptions {
  readonly runtime: Pick<Runtime, 'logPath' | 'reopenLog'>;
  readonly limits: LogLimits;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Keeps the logs of running containers from growing without bound, as a kubelet does. A full file gets a second name,
 * then the runtime is told to go on in a new file, which takes the first name: no line is without a name at any moment,
 * and wherever we are killed the next process sees what has been done. Rotated files are not compressed: they are read
 * from their end as fast as the newest.
 */
export class LogRotation {
  readonly #options: LogRotationOptions;
  /**
   * When the runtime may be asked for a new file (again), by container; kept until the newest file is a new one. Asked a
   * second time while the first is still on its way, it would throw away what it has written between the two.
   */
  readonly #askAtMs = new Map<string, number>();

  /** What it found at its last looks. */
  readonly sizes = new LogSizes();

  constructor(options: LogRotationOptions) {
    this.#options = options;
  }

  /** Looks at the logs of these containers, one after the other, every ten seconds until the signal aborts. */
  async run(running: () => Iterable<string>, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(lookEveryMs, { signal }).catch(() => {});
      if (!signal.aborted) await this.lookAt([...running()], { signal });
    }
  }

  /** One look at all that run. Never rejects. */
  async lookAt(running: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    for (const id of running) {
      if (signal.aborted) return;
      try {
        await this.#lookAtOne(id, { signal });
      } catch (error) {
        // It has just ended, or Podman is away: neither needs our word here.
        if (isAbortOf(signal, error) || passes.some((code) => hasCode(error, code))) continue;
        this.#options.log.warn("a container's log could not be rotated; it is tried again", { container: id, error });
      }
    }
    const ids = new Set(running);
    for (const id of this.#askAtMs.keys()) if (!ids.has(id)) this.#askAtMs.delete(id);
    this.sizes.forgetOthers(ids);
  }

  async #lookAtOne(id: string, options: { readonly signal: AbortSignal }): Promise<void> {
    const { runtime, limits, clock } = this.#options;
    const path = await runtime.logPath(id, options);
    const newest = await stat(path).catch(ifThereIsNone);
    if (newest !== undefined) await this.sizes.note(id, path, newest, clock.now());
    if (newest === undefined || newest.size < limits.maxBytes) {
      this.#askAtMs.delete(id);
      return;
    }
    this.sizes.rotated(id);
    const rotated = await rotatedFiles(path);
    const last = rotated.at(-1);
    const isNamed = last !== undefined && (await stat(last.path).catch(ifThereIsNone))?.ino === newest.ino;
    const nowMs = clock.now();
    if (isNamed) {
      const askAtMs = this.#askAtMs.get(id) ?? nowMs + patienceMs;
      this.#askAtMs.set(id, askAtMs);
      if (nowMs < askAtMs) return;
    } else {
      await link(path, `${path}.${(last?.serial ?? 0) + 1}`);
    }
    this.#askAtMs.set(id, nowMs);
    await runtime.reopenLog(id, options);
    this.#askAtMs.set(id, Number.POSITIVE_INFINITY);
    const kept = await rotatedFiles(path);
    for (const { path: oldest } of kept.slice(0, Math.max(0, kept.length - (limits.maxFiles - 1)))) await rm(oldest);
  }
}
