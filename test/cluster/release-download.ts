import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BinaryRelease } from './binary-sources.ts';
import { runCommand } from './run-command.ts';

const reachTimeoutMs = 4_000;
const downloadTimeoutMs = 10 * 60_000;

/** Asks a release's server for the checksum of the file to download; undefined where the server is out of reach. */
export async function fetchChecksum(release: BinaryRelease, signal?: AbortSignal): Promise<string | undefined> {
  let text: string;
  try {
    const response = await fetch(release.checksumUrl, { signal: within(reachTimeoutMs, signal) });
    if (!response.ok) return undefined;
    text = await response.text();
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
  const fileName = basename(new URL(release.url).pathname);
  const checksum = findChecksum(text, fileName);
  if (checksum === undefined) throw new Error(`${release.checksumUrl} has no SHA-256 for ${fileName}.`);
  return checksum;
}

/** Downloads a release's binary to `target`; throws when what was sent does not have the checksum. */
export async function downloadRelease(
  release: BinaryRelease,
  { checksum, target, signal }: { checksum: string; target: string; signal?: AbortSignal | undefined },
): Promise<void> {
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
  if (actual !== checksum) {
    throw new Error(`${release.url} has the SHA-256 ${actual}, but ${release.checksumUrl} says ${checksum}.`);
  }
  if (release.archiveMember !== undefined) {
    await runCommand(['sh', '-c', 'tar -xzOf "$1" "$2" >"$3"', 'sh', file, release.archiveMember, target], { signal });
  }
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

function within(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}
