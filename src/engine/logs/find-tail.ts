import type { FileHandle } from 'node:fs/promises';
import { type LogSelection, lineParts, newline } from './log-format.ts';

const blockBytes = 64 * 1024;

/**
 * Finds where the last lines of a log begin, read from its end in blocks: what a container wrote as one line counts as
 * one, though the log holds it in parts. Only lines of `stream` count where one is given.
 */
export class TailSearch {
  readonly #stream: LogSelection['stream'];
  #missing: number;

  constructor(lines: number, { stream }: Pick<LogSelection, 'stream'>) {
    this.#missing = lines;
    this.#stream = stream;
  }

  /**
   * Where in this file the tail begins; undefined where that is at its beginning or before, which the file before it is
   * then to be searched for.
   */
  async inFile(file: FileHandle, { sizeBytes }: { readonly sizeBytes: number }): Promise<number | undefined> {
    let position = sizeBytes;
    let rest: Buffer = Buffer.alloc(0);
    // Where the line after the one that is looked at begins.
    let start = sizeBytes;
    while (position > 0) {
      const length = Math.min(blockBytes, position);
      position -= length;
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      const block = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
      const firstLineEnd = block.indexOf(newline);
      for (let end = block.lastIndexOf(newline); end > firstLineEnd; ) {
        const previous = block.lastIndexOf(newline, end - 1);
        if (this.#isPast(block, { start: previous + 1, end })) return start;
        start = position + previous + 1;
        end = previous;
      }
      // The first line of a block may have begun in the block before.
      rest = firstLineEnd < 0 ? block : Buffer.from(block.subarray(0, firstLineEnd + 1));
    }
    const end = rest.indexOf(newline);
    return end >= 0 && this.#isPast(rest, { start: 0, end }) ? start : undefined;
  }

  /** A complete line that would be one too many ends the search: the tail begins after it. */
  #isPast(block: Buffer, { start, end }: { readonly start: number; readonly end: number }): boolean {
    const parts = lineParts(block, start, end);
    if (!parts || (this.#stream !== undefined && parts.stream !== this.#stream) || parts.partial) return false;
    if (this.#missing === 0) return true;
    this.#missing -= 1;
    return false;
  }
}
