import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ifThereIsNone, rotatedFiles } from './log-files.ts';

export interface LogSize {
  /** When it was looked at, in milliseconds since the epoch. */
  readonly timeMs: number;
  /** Of all files of one container's log. */
  readonly bytes: number;
}

/** How large logs are, as the rotation finds them: whoever asks costs no look of their own. */
export class LogSizes {
  readonly #sizes = new Map<string, LogSize>();
  /** Of the files that the rotation has left; they do not change between two rotations. */
  readonly #rotatedBytes = new Map<string, number>();

  of(container: string): LogSize | undefined {
    return this.#sizes.get(container);
  }

  /** Notes what was found of the file that the container writes into. */
  async note(container: string, path: string, newest: Stats, timeMs: number): Promise<void> {
    const rotatedBytes = this.#rotatedBytes.get(container) ?? (await sizeOfRotated(path, newest));
    this.#rotatedBytes.set(container, rotatedBytes);
    this.#sizes.set(container, { timeMs, bytes: newest.size + rotatedBytes });
  }

  /** Its rotated files are others from here on. */
  rotated(container: string): void {
    this.#rotatedBytes.delete(container);
  }

  forgetOthers(containers: ReadonlySet<string>): void {
    for (const known of [this.#sizes, this.#rotatedBytes]) {
      for (const id of known.keys()) if (!containers.has(id)) known.delete(id);
    }
  }
}

async function sizeOfRotated(path: string, newest: Stats): Promise<number> {
  let bytes = 0;
  for (const file of (await rotatedFiles(path).catch(ifThereIsNone)) ?? []) {
    const found = await stat(file.path).catch(ifThereIsNone);
    // In the middle of a rotation the newest file has two names.
    if (found !== undefined && found.ino !== newest.ino) bytes += found.size;
  }
  return bytes;
}
