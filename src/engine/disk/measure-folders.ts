import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '../../support/errors.ts';

/** What all that lies below a folder takes, the folder included. */
export interface FolderSize {
  /** Blocks on disk. */
  readonly bytes: number;
  /** Files and folders, each once however many names it has. */
  readonly inodes: number;
}

/** Sizes of folders by their paths; those that are not there are left out. Goes through all files: minutes, perhaps. */
export type MeasureFolders = (
  paths: readonly string[],
  options: { readonly signal: AbortSignal },
) => Promise<ReadonlyMap<string, FolderSize>>;

/**
 * By `du` of the GNU coreutils, one process for all folders: a walk in ours would take its time from the pods'. Rejects with
 * `Unavailable` where it cannot be run.
 */
export const measureFolders: MeasureFolders = async (paths, options) => {
  const bytes = await diskUsage(['--block-size=1'], paths, options);
  const inodes = await diskUsage(['--inodes'], paths, options);
  const sizes = new Map<string, FolderSize>();
  for (const [path, size] of bytes) {
    const count = inodes.get(path);
    if (count !== undefined) sizes.set(path, { bytes: size, inodes: count });
  }
  return sizes;
};

async function diskUsage(
  what: readonly string[],
  paths: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, number>> {
  const args = ['--summarize', '--one-file-system', '--null', ...what, '--files0-from=-'];
  const child = spawn('du', args, { stdio: ['pipe', 'pipe', 'pipe'], signal });
  // Without a listener from the first, a failed start would end our process.
  const closed = once(child, 'close');
  if (child.pid !== undefined) leaveCpuToOthers(child.pid);
  const names = Readable.from(paths.map((path) => `${path}\0`));
  const sizes = new Map<string, number>();
  const [, , complaint] = await Promise.all([
    // It has ended before it has read them all: its complaint says why.
    pipeline(names, child.stdin).catch(() => {}),
    readSizes(child.stdout, sizes),
    firstLine(child.stderr),
    closed,
  ]).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CodedError('Unavailable', `du cannot be run: ${(error as Error).message}`, { cause: error });
  });
  // What goes away while it looks makes it complain as well, and it goes on.
  if (sizes.size === 0 && complaint !== '' && !complaint.includes('No such file or directory')) {
    throw new CodedError('Unavailable', complaint);
  }
  return sizes;
}

/** `<size> TAB <path> NUL`, again and again. */
async function readSizes(output: Readable, sizes: Map<string, number>): Promise<void> {
  let rest = '';
  for await (const chunk of output.setEncoding('utf8')) {
    const entries = (rest + chunk).split('\0');
    rest = entries.pop() ?? '';
    for (const entry of entries) {
      const tab = entry.indexOf('\t');
      sizes.set(entry.slice(tab + 1), Number(entry.slice(0, tab)));
    }
  }
}

/** Reads all and keeps little. */
async function firstLine(output: Readable): Promise<string> {
  let text = '';
  for await (const chunk of output.setEncoding('utf8')) if (text.length < 1000) text += chunk;
  return text.split('\n', 1)[0] ?? '';
}

function leaveCpuToOthers(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already.
  }
}
