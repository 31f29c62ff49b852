import { type FileHandle, open, stat } from 'node:fs/promises';
import { FileChanges, type Following } from './file-changes.ts';
import { findTail } from './find-tail.ts';
import { LogFormatter, type LogSelection } from './log-format.ts';

export interface ReadLogOptions extends LogSelection {
  readonly signal: AbortSignal;
  /** Go on reading as the container writes, to its end. */
  readonly follow?: Following | undefined;
}

const chunkBytes = 64 * 1024;

/**
 * Reads a CRI-like log file in chunks of bounded size, whatever the size of the file. Ends at its end, at the byte
 * limit or, following, when the container has ended and everything is read. Rejects as `open` does where there is no
 * such file.
 */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<Uint8Array, void> {
  const { tailLines, stream, follow, signal } = options;
  if (options.limitBytes === 0) return;
  const reader = new LogReader(await open(path, 'r'));
  const changes = follow && new FileChanges(path, follow);
  try {
    const sizeBytes = await reader.size();
    if (tailLines !== undefined) {
      reader.position = await findTail(reader.file, { lines: tailLines, sizeBytes, stream });
    }
    const formatter = new LogFormatter(options);
    if (!changes || !follow) {
      yield* reader.read({ endBytes: sizeBytes, formatter, signal });
      return;
    }
    for (;;) {
      // Looked up before reading: what was written before the end is read after it was seen.
      const ended = follow.hasEnded();
      yield* reader.read({ endBytes: Number.POSITIVE_INFINITY, formatter, signal });
      if (ended || formatter.isFull) return;
      await changes.next({ signal });
      await reader.reopenIfReplaced(path);
    }
  } finally {
    changes?.close();
    await reader.file.close();
  }
}

interface ReadOptions {
  readonly endBytes: number;
  readonly formatter: LogFormatter;
  readonly signal: AbortSignal;
}

class LogReader {
  file: FileHandle;
  position = 0;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  /** From the position to `endBytes`, or to where the file ends now. */
  async *read({ endBytes, formatter, signal }: ReadOptions): AsyncGenerator<Uint8Array, void> {
    while (this.position < endBytes && !formatter.isFull) {
      signal.throwIfAborted();
      const length = Math.min(chunkBytes, endBytes - this.position);
      const { buffer, bytesRead } = await this.file.read(Buffer.alloc(length), 0, length, this.position);
      if (bytesRead === 0) return;
      this.position += bytesRead;
      const formatted = formatter.format(buffer.subarray(0, bytesRead));
      if (formatted.length > 0) yield formatted;
    }
  }

  /** A log that was cut or written anew is read from its beginning. */
  async reopenIfReplaced(path: string): Promise<void> {
    const [opened, present] = await Promise.all([this.file.stat(), stat(path).catch(() => undefined)]);
    if (!present) return;
    if (present.ino !== opened.ino) {
      const fresh = await open(path, 'r').catch(() => undefined);
      if (!fresh) return;
      await this.file.close();
      this.file = fresh;
      this.position = 0;
    } else if (present.size < this.position) {
      this.position = 0;
    }
  }
}
