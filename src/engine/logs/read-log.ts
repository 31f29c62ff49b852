import { stat } from 'node:fs/promises';
import { FileChanges, type Following } from './file-changes.ts';
import { TailSearch } from './find-tail.ts';
import { isSameFile, type LogFile, openAfter, openBefore, openNewest } from './log-files.ts';
import { LogFormatter, type LogSelection } from './log-format.ts';

export interface ReadLogOptions extends LogSelection {
  readonly signal: AbortSignal;
  /** Go on reading as the container writes, to its end. */
  readonly follow?: Following | undefined;
  /**
   * Write over a chunk once the next one is asked for. Without that a long log leaves garbage behind faster than anybody
   * clears it away.
   */
  readonly recycle?: boolean | undefined;
}

const chunkBytes = 128 * 1024;

/**
 * Reads a container's log in chunks of bounded size, whatever its size: the files that its rotation has left, oldest
 * first, and the one that the container writes into, as if they were one. (A kubelet reads the last of them alone.) Ends
 * at its end, at the byte limit or, following, when the container has ended and everything is read; a reader who is so
 * slow that files are removed before their turn misses those. Rejects as `open` does where there is no log.
 */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<Uint8Array, void> {
  const { follow, recycle = false, signal } = options;
  if (options.limitBytes === 0) return;
  const reader = new LogReader(path, { newest: await openNewest(path), recycle });
  const changes = follow && new FileChanges(path, follow);
  try {
    const end = follow ? endless : { serial: reader.serial, bytes: await reader.size() };
    await reader.goToStart(options);
    const formatter = new LogFormatter(options);
    for (;;) {
      // Looked up before reading: what was written before the end is read after it was seen.
      const ended = follow?.hasEnded() ?? true;
      const isComplete = await reader.isComplete();
      yield* reader.read({ endBytes: reader.serial === end.serial ? end.bytes : Infinity, formatter, signal });
      if (formatter.isFull) return;
      if (isComplete && reader.serial < end.serial) {
        changes?.watch(path);
        await reader.goOn();
        if (reader.serial > end.serial) return;
      } else if (ended) {
        return;
      } else {
        await changes?.next({ signal });
      }
    }
  } finally {
    changes?.close();
    await reader.close();
  }
}

const endless = { serial: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

interface ReadOptions {
  readonly endBytes: number;
  readonly formatter: LogFormatter;
  readonly signal: AbortSignal;
}

/** A place in the row of a log's files. */
class LogReader {
  readonly #path: string;
  #file: LogFile;
  #position = 0;
  readonly #recycle: boolean;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(path: string, { newest, recycle }: { readonly newest: LogFile; readonly recycle: boolean }) {
    this.#path = path;
    this.#file = newest;
    this.#recycle = recycle;
  }

  get serial(): number {
    return this.#file.serial;
  }

  async size(): Promise<number> {
    return (await this.#file.handle.stat()).size;
  }

  /** From the newest file to where the reading is to begin. */
  async goToStart({ tailLines, stream, sinceMs = 0 }: LogSelection): Promise<void> {
    if (tailLines !== undefined) {
      await this.#goToTail(tailLines, stream);
      return;
    }
    const newestSerial = this.serial;
    await this.#take(await openAfter(this.#path, 0));
    while (this.serial < newestSerial && (await this.#file.handle.stat()).mtimeMs < sinceMs) await this.goOn();
  }

  /** From the position to `endBytes`, or to where the file ends now. */
  async *read({ endBytes, formatter, signal }: ReadOptions): AsyncGenerator<Uint8Array, void> {
    // A log that somebody has cut is read from its beginning.
    if ((await this.size()) < this.#position) this.#position = 0;
    while (this.#position < endBytes && !formatter.isFull) {
      signal.throwIfAborted();
      const length = Math.min(chunkBytes, endBytes - this.#position);
      const { rest } = formatter;
      const piece = this.#room(rest.length + length);
      rest.copy(piece);
      const { bytesRead } = await this.#file.handle.read(piece, rest.length, length, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const formatted = formatter.format(piece.subarray(0, rest.length + bytesRead));
      if (formatted.length > 0) yield formatted;
    }
  }

  /** Nothing will be added to this file: the container writes into another one. */
  async isComplete(): Promise<boolean> {
    if (await isSameFile(this.#file.handle, this.#path)) return false;
    // Nor is anything where the whole log is gone, but there is no file to go on with either.
    return (await stat(this.#path).catch(() => undefined)) !== undefined;
  }

  /** To the beginning of the next file. */
  async goOn(): Promise<void> {
    await this.#take(await openAfter(this.#path, this.serial));
  }

  close(): Promise<void> {
    return this.#file.handle.close();
  }

  #room(bytes: number): Buffer {
    if (!this.#recycle || this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    return this.#buffer.subarray(0, bytes);
  }

  async #goToTail(lines: number, stream: LogSelection['stream']): Promise<void> {
    this.#position = await this.size();
    if (lines <= 0) return;
    const search = new TailSearch(lines, { stream });
    for (;;) {
      const start = await search.inFile(this.#file.handle, { sizeBytes: this.#position });
      const previous = start === undefined ? await openBefore(this.#path, this.serial) : undefined;
      if (previous === undefined) {
        this.#position = start ?? 0;
        return;
      }
      await this.#take(previous);
      this.#position = await this.size();
    }
  }

  async #take(file: LogFile): Promise<void> {
    const left = this.#file;
    this.#file = file;
    this.#position = 0;
    await left.handle.close();
  }
}
