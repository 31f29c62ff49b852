import { CodedError } from '../support/errors.ts';

const newline = 0x0a;

/**
 * Cuts a stream of bytes into its lines, each decoded as UTF-8 when it is whole, wherever the chunks were cut.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes. Throws `Internal` for a line of more than the bound. */
  *push(chunk: Uint8Array): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Whether the stream stands in the middle of a line. */
  get isInLine(): boolean {
    return this.#partBytes > 0;
  }

  #complete(last: Uint8Array): string {
    if (this.#partBytes === 0) return decode(last);
    this.#keep(last);
    const line = decode(Buffer.concat(this.#parts, this.#partBytes));
    this.#parts = [];
    this.#partBytes = 0;
    return line;
  }

  #keep(part: Uint8Array): void {
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxBytes) {
      throw new CodedError('Internal', `the API server sends a line of more than ${this.#maxBytes} bytes`);
    }
    this.#parts.push(part);
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
