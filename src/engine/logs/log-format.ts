import { parseTimeMs, writeTime } from './log-time.ts';

/** What a reader of a log wants of it; kubelet's PodLogOptions without those that choose the container. */
export interface LogSelection {
  /** Prefix each line with its time. */
  readonly timestamps: boolean;
  /** Last lines only. */
  readonly tailLines?: number | undefined;
  /** Lines since this moment, in milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly limitBytes?: number | undefined;
  readonly stream?: 'stdout' | 'stderr' | undefined;
}

export const newline = 0x0a;
const blank = 0x20;

/** Where the parts of `<time> <stream> <tag> <text>` stand in a buffer. */
export interface LineParts {
  readonly timeEnd: number;
  readonly stream: 'stdout' | 'stderr';
  /** The line goes on in the next one. */
  readonly partial: boolean;
  readonly textStart: number;
}

/** Takes a line of a CRI-like log apart; undefined for a line that is none. `start` is its first byte, `end` its newline. */
export function lineParts(buffer: Buffer, start: number, end: number): LineParts | undefined {
  const timeEnd = buffer.indexOf(blank, start);
  // `stdout` and `stderr` differ in their fourth letter and have six.
  const stream = timeEnd < 0 || timeEnd >= end ? undefined : streamOf(buffer[timeEnd + 4]);
  const tagStart = timeEnd + 8;
  if (stream === undefined || buffer[tagStart - 1] !== blank || tagStart >= end) return undefined;
  const tagEnd = buffer.indexOf(blank, tagStart);
  if (tagEnd < 0 || tagEnd > end) return undefined;
  return { timeEnd, stream, partial: buffer[tagStart] === 0x50, textStart: tagEnd + 1 };
}

function streamOf(letter: number | undefined): LineParts['stream'] | undefined {
  if (letter === 0x6f) return 'stdout';
  return letter === 0x65 ? 'stderr' : undefined;
}

/** Turns the bytes of a log file into what its reader gets, piece by piece. Parts of one long line are put together again. */
export class LogFormatter {
  readonly #selection: LogSelection;
  /** The line that was not complete yet at the end of the last piece: the next piece is to begin with it. */
  rest: Buffer = Buffer.alloc(0);
  #remainingBytes: number;
  #atLineStart = true;

  constructor(selection: LogSelection) {
    this.#selection = selection;
    this.#remainingBytes = selection.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** The limit is reached: nothing more will come. */
  get isFull(): boolean {
    return this.#remainingBytes <= 0;
  }

  /** What `piece` adds for the reader. The piece is written over: no line is longer for its reader than in the file. */
  format(piece: Buffer): Buffer {
    let length = 0;
    let start = 0;
    for (let end = piece.indexOf(newline); end >= 0 && !this.isFull; end = piece.indexOf(newline, start)) {
      length = this.#formatLine(piece, { start, end, target: length });
      start = end + 1;
    }
    this.rest = Buffer.from(piece.subarray(start));
    return piece.subarray(0, length);
  }

  /** Moves what its reader gets of a line to `target`, at or before its start, and gives where that ends. */
  #formatLine(
    buffer: Buffer,
    { start, end, target }: { readonly start: number; readonly end: number; readonly target: number },
  ): number {
    const parts = lineParts(buffer, start, end);
    const { stream, sinceMs, timestamps } = this.#selection;
    if (!parts || (stream !== undefined && parts.stream !== stream)) return target;
    // A NaN, of a time that cannot be read, is not before anything.
    if (sinceMs !== undefined && parseTimeMs(buffer.subarray(start, parts.timeEnd)) < sinceMs) return target;
    const timeEnd = timestamps && this.#atLineStart ? writeTime(buffer, { start, end: parts.timeEnd, target }) : target;
    const textEnd = parts.partial ? end : end + 1;
    buffer.copyWithin(timeEnd, parts.textStart, textEnd);
    this.#atLineStart = !parts.partial;
    const bytes = Math.min(timeEnd - target + textEnd - parts.textStart, this.#remainingBytes);
    this.#remainingBytes -= bytes;
    return target + bytes;
  }
}
