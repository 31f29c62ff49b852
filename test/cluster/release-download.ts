import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BinarySource } from './binary-sources.ts';
import { runCommand } from './run-command.ts';

const reachTimeoutMs = 4_000;
const downloadTimeoutMs = 10 * 60_000;

/**
 * Downloads a release's binary to `target` and checks it. Gives false where the release server cannot be reached;
 * throws where it can, and what it sent is not what its checksum says.
 */
export async function downloadRelease(
  release: BinarySource['release'],
  target: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const checksums = await fetchIfReachable(release.checksumUrl, within(reachTimeoutMs, signal));
  if (checksums === undefined) {
    signal?.throwIfAborted();
    return false;
  }
  const fileName = basename(new URL(release.url).pathname);
  const expected = findChecksum(await checksums.text(), fileName);
  if (expected === undefined) throw new Error(`${release.checksumUrl} has no SHA-256 for ${fileName}.`);

  const response = await fetch(release.url, { signal: within(downloadTimeoutMs, signal) });
  if (!response.ok || response.body === null) throw new Error(`${release.url} answered ${response.status}.`);
  const file = release.archiveMember === undefined ? target : `${target}.archive`;
  const hash = createHash('sha256');
  await pipeline(
    Readable.fromWeb(response.body),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file),
  );
  const actual = hash.digest('hex');
  if (actual !== expected) {
    throw new Error(`${release.url} has the SHA-256 ${actual}, but ${release.checksumUrl} says ${expected}.`);
  }
  if (release.archiveMember !== undefined) {
    await runCommand(['sh', '-c', 'tar -xzOf "$1" "$2" >"$3"', 'sh', file, release.archiveMember, target]);
  }
  return true;
}

/** Finds a file's SHA-256 in the lines of a checksum file; a file with a single checksum and no name is that file's. */
export function findChecksum(text: string, fileName: string): string | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .filter(([sum]) => sum !== undefined && /^[0-9a-f]{64}$/.test(sum));
  const named = lines.find(([, name]) => name !== undefined && basename(name) === fileName);
  if (named !== undefined) return named[0];
  return lines.length === 1 && lines[0]?.length === 1 ? lines[0][0] : undefined;
}

async function fetchIfReachable(url: string, signal: AbortSignal): Promise<Response | undefined> {
  try {
    const response = await fetch(url, { signal });
    return response.ok ? response : undefined;
  } catch {
    return undefined;
  }
}

function within(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
