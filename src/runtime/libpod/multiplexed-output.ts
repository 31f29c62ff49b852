/** The two streams of a process, cut off where they grow too long. */
export interface CollectedOutput {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Stream, three zeros, and the length of what follows in four bytes. */
const headerBytes = 8;

/**
 * Takes stdout and stderr apart that come through one connection as frames. Keeps `maxBytes` of each, drops the rest
 * and goes on reading, so that the process is not held up.
 */
export async function collectMultiplexed(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes }: { readonly maxBytes: number },
): Promise<CollectedOutput> {
  const collectors = { stdout: new Collector(maxBytes), stderr: new Collector(maxBytes) };
  const header = Buffer.alloc(headerBytes);
  let headerFilled = 0;
  let frameLeft = 0;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      if (frameLeft === 0) {
        const part = chunk.subarray(at, at + headerBytes - headerFilled);
        header.set(part, headerFilled);
        headerFilled += part.length;
        at += part.length;
        if (headerFilled < headerBytes) break;
        headerFilled = 0;
        frameLeft = header.readUInt32BE(4);
      } else {
        const part = chunk.subarray(at, at + frameLeft);
        collectors[header[0] === 2 ? 'stderr' : 'stdout'].add(part);
        frameLeft -= part.length;
        at += part.length;
      }
    }
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
