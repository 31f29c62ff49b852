import type { FileHandle } from 'node:fs/promises';
import { type LogSelection, lineParts, newline } from './log-format.ts';

const blockBytes = 64 * 1024;

/**
 * Where the last `lines` lines of a log begin, read from its end in blocks: what a container wrote as one line counts as
 * one, though the log holds it in parts. Only lines of `stream` count where one is given.
 */
export async function findTail(
  file: FileHandle,
  { lines, sizeBytes, stream }: { readonly lines: number; readonly sizeBytes: number } & Pick<LogSelection, 'stream'>,
): Promise<number> {
  if (lines <= 0) return sizeBytes;
  const counter = new TailCounter(lines, stream);
  let position = sizeBytes;
  let rest: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const length = Math.min(blockBytes, position);
    position -= length;
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    const block = Buffer.concat([buffer, rest]);
    const firstLineEnd = block.indexOf(newline);
    const found = counter.countBackwards(block, position);
    if (found !== undefined) return found;
    // The first line of a block may have begun in the block before.
    rest = firstLineEnd < 0 ? block : Buffer.from(block.subarray(0, firstLineEnd + 1));
  }
  return counter.finish(rest);
}

class TailCounter {
  readonly #stream: LogSelection['stream'];
  #missing: number;
  /** Where the earliest line that counts begins. */
  #start = Number.POSITIVE_INFINITY;

  constructor(lines: number, stream: LogSelection['stream']) {
    this.#missing = lines;
    this.#stream = stream;
  }

  /** Counts the lines of `block` but its first; gives where the tail begins once that is known. */
  countBackwards(block: Buffer, offset: number): number | undefined {
    let end = block.lastIndexOf(newline);
    while (end > 0) {
      const previous = block.lastIndexOf(newline, end - 1);
      if (previous < 0) return undefined;
      if (this.#isPast(block, { start: previous + 1, end, offset })) return this.#start;
      end = previous;
    }
    return undefined;
  }

  /** The first line of the file: nothing is before it. */
  finish(firstLine: Buffer): number {
    const end = firstLine.indexOf(newline);
    return end >= 0 && this.#isPast(firstLine, { start: 0, end, offset: 0 }) ? this.#start : 0;
  }

  /** A complete line that would be one too many ends the search: the tail begins after it. */
  #isPast(block: Buffer, { start, end, offset }: { start: number; end: number; offset: number }): boolean {
    const parts = lineParts(block, start, end);
    if (!parts || (this.#stream !== undefined && parts.stream !== this.#stream)) return false;
    if (!parts.partial) {
      if (this.#missing === 0) return true;
      this.#missing -= 1;
    }
    this.#start = offset + start;
    return false;
  }
}
