/** The two streams of a process, cut off where they grow too long. */
export interface CollectedOutput {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export type OutputName = 'stdout' | 'stderr';

/** Stream, three zeros, and the length of what follows in four bytes. */
const headerBytes = 8;

/** Takes stdout and stderr apart that come through one connection as frames, cut anywhere into chunks. */
export class OutputSplitter {
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #frameLeft = 0;

  /** The parts of a chunk in their order, without copying them. To be taken to the end before the next chunk. */
  *split(chunk: Uint8Array): Generator<readonly [OutputName, Uint8Array], void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frameLeft === 0) {
        const part = chunk.subarray(at, at + headerBytes - this.#headerFilled);
        this.#header.set(part, this.#headerFilled);
        this.#headerFilled += part.length;
        at += part.length;
        if (this.#headerFilled < headerBytes) return;
        this.#headerFilled = 0;
        this.#frameLeft = this.#header.readUInt32BE(4);
      } else {
        const part = chunk.subarray(at, at + this.#frameLeft);
        this.#frameLeft -= part.length;
        at += part.length;
        yield [this.#header[0] === 2 ? 'stderr' : 'stdout', part];
      }
    }
  }
}

/** Keeps `maxBytes` of each stream, drops the rest and goes on reading, so that the process is not held up. */
export async function collectMultiplexed(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes }: { readonly maxBytes: number },
): Promise<CollectedOutput> {
  const collectors = { stdout: new Collector(maxBytes), stderr: new Collector(maxBytes) };
  const splitter = new OutputSplitter();
  for await (const chunk of chunks) {
    for (const [name, part] of splitter.split(chunk)) collectors[name].add(part);
  }
  return { stdout: collectors.stdout.bytes, stderr: collectors.stderr.bytes };
}

class Collector {
  readonly #parts: Uint8Array[] = [];
  #room: number;

  constructor(maxBytes: number) {
    this.#room = maxBytes;
  }

  add(part: Uint8Array): void {
    // A copy: what is kept must not hold on to the whole chunk that it came in.
    if (this.#room > 0) this.#parts.push(Buffer.from(part.subarray(0, this.#room)));
    this.#room = Math.max(this.#room - part.length, 0);
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
