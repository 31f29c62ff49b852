import { closeSync, constants, openSync, readSync } from 'node:fs';
import { messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';

/** Which containers lost a process to the kernel's OOM killer. */
export interface OomKills {
  /** Whether the container, by its id, did. Only for containers that have ended. */
  has(containerId: string): boolean;
  close(): void;
}

/** So many containers are remembered, the last ones. */
const capacity = 10_000;

/** The longest record that the kernel hands out (its CONSOLE_EXT_LOG_MAX). */
const longestRecordBytes = 8_192;

/**
 * Reads OOM kills from the kernel's log. Podman 4 may miss them, and a container's counter goes with its cgroup; the
 * kernel's log has them also where nobody watched. It is read when somebody asks, from where the last reading ended,
 * and holds some thousand records at most.
 *
 * The kernel names the cgroup for no more than ten kills in five seconds: more at the same time go unseen.
 */
export class KernelLogOomKills implements OomKills {
  readonly #killed = new Set<string>();
  readonly #file: number | undefined;
  readonly #record = Buffer.alloc(longestRecordBytes);

  constructor({ log, path = '/dev/kmsg' }: { readonly log: Logger; readonly path?: string }) {
    try {
      this.#file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      log.warn('OOM kills are known only where Podman notices them: the kernel log cannot be read', {
        path,
        message: messageOf(error),
      });
    }
  }

  has(containerId: string): boolean {
    this.#readOn();
    return this.#killed.has(containerId);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #readOn(): void {
    for (;;) {
      const record = this.#next();
      if (record === undefined) return;
      const id = oomKilledContainer(record);
      if (id !== undefined) this.#remember(id);
    }
  }

  /** The next record, undefined where there is none yet. */
  #next(): string | undefined {
    if (this.#file === undefined) return undefined;
    for (;;) {
      try {
        const length = readSync(this.#file, this.#record);
        return length === 0 ? undefined : this.#record.toString('utf8', 0, length);
      } catch (error) {
        // Records that we have not read in time are gone; the next read continues behind them.
        if (error instanceof Error && 'code' in error && error.code === 'EPIPE') continue;
        return undefined;
      }
    }
  }

  #remember(id: string): void {
    this.#killed.add(id);
    for (const oldest of this.#killed) {
      if (this.#killed.size <= capacity) return;
      this.#killed.delete(oldest);
    }
  }
}

/**
 * The id of the container whose process a record of the kernel's log says was OOM-killed; undefined for all other
 * records. Those that programs wrote do not count: a privileged container could claim anything.
 */
export function oomKilledContainer(record: string): string | undefined {
  const parts = /^(\d+),[^;]*;oom-kill:.*?,task_memcg=([^,]*)/s.exec(record);
  if (!parts) return undefined;
  const facility = Number(parts[1]) >> 3;
  return facility === 0 ? /\/libpod-([0-9a-f]{64})\b/.exec(parts[2] ?? '')?.[1] : undefined;
}
