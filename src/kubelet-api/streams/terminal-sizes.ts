import type { TerminalSize } from '../../provider/process-streams.ts';

/** A size in JSON has some thirty characters. */
const maxPendingChars = 1024;
/** Sizes are 16 bits on the other side. */
const maxCells = 65_535;

/** The sizes of a client's terminal, read from a stream of JSON objects. Keeps only the newest that nobody took yet. */
export class TerminalSizes implements AsyncIterable<TerminalSize> {
  #text = '';
  #newest: TerminalSize | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** Takes what came in. After something that is no size the rest is not looked at, as with kubelet. */
  write(bytes: Buffer): void {
    if (this.#ended) return;
    this.#text += bytes.toString('utf8');
    for (let end = this.#text.indexOf('}'); end >= 0; end = this.#text.indexOf('}')) {
      const size = parseSize(this.#text.slice(0, end + 1));
      this.#text = this.#text.slice(end + 1);
      if (size === undefined) {
        this.end();
        return;
      }
      this.#newest = size;
      this.#wake?.();
    }
    if (this.#text.length > maxPendingChars) this.end();
  }

  end(): void {
    this.#ended = true;
    this.#text = '';
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize> {
    for (;;) {
      const size = this.#newest;
      this.#newest = undefined;
      if (size !== undefined) yield size;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return isCells(width) && isCells(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

function isCells(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxCells;
}
