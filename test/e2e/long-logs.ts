import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KubectlProcess } from './kubectl-process.ts';

export const mebibyte = 2 ** 20;

const lineBytes = 100;
const linesOfBlock = 10_000;

/** What a log has. */
export interface ReadLog {
  readonly bytes: number;
  readonly hash: string;
}

/** Blocks of 10,000 numbered lines of 100 bytes, each under a line with its own number: 1,000,100 bytes. */
export interface Blocks {
  readonly count: number;
  /** Tells several of them apart. */
  readonly part: number;
  /** A shell script that writes them, as fast as a file can be read. */
  readonly script: string;
}

/** At least so many bytes. */
export function blocks(bytes: number, part: number): Blocks {
  const count = Math.ceil(bytes / (lineBytes * linesOfBlock));
  const padding = 'x'.repeat(lineBytes - 10);
  const script = [
    `awk 'BEGIN { for (i = 0; i < ${linesOfBlock}; i++) printf "%08d %s\\n", i, "${padding}" }' >/tmp/block`,
    `n=0; while [ $n -lt ${count} ]; do printf 'part %03d %090d\\n' ${part} $n; cat /tmp/block; n=$((n+1)); done`,
  ].join('\n');
  return { count, part, script };
}

/** What their log has. */
export function contentOf(all: readonly Blocks[]): ReadLog {
  const padding = 'x'.repeat(lineBytes - 10);
  const lines = Array.from({ length: linesOfBlock }, (_, index) => `${digits(index, 8)} ${padding}\n`).join('');
  const hash = createHash('sha256');
  let bytes = 0;
  for (const { count, part } of all) {
    for (let block = 0; block < count; block++) {
      const first = `part ${digits(part, 3)} ${digits(block, 90)}\n`;
      hash.update(first).update(lines);
      bytes += first.length + lines.length;
    }
  }
  return { bytes, hash: hash.digest('hex') };
}

function digits(number: number, width: number): string {
  return String(number).padStart(width, '0');
}

/** What `kubectl logs` gives, and how long it took. */
export async function readThrough(
  args: readonly string[],
): Promise<ReadLog & { readonly code: number | null; readonly tookMs: number }> {
  const startMs = performance.now();
  const process = new KubectlProcess(['logs', ...args], { environment: {} });
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of process.child.stdout as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const { code } = await process.ended();
  return { code, bytes, hash: hash.digest('hex'), tookMs: performance.now() - startMs };
}

/** Looks at the memory of a process until asked by how much it has grown at most. */
export function watchMemory(pid: number): { grownMebibytes(): number } {
  const resident = (): number =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const beforeBytes = resident();
  let highestBytes = beforeBytes;
  const watching = setInterval(() => {
    highestBytes = Math.max(highestBytes, resident());
  }, 100);
  return {
    grownMebibytes() {
      clearInterval(watching);
      return Math.round((highestBytes - beforeBytes) / mebibyte);
    },
  };
}
