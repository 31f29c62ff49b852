import { execFile } from 'node:child_process';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CodedError, messageOf } from '../../support/errors.ts';

export interface MemoryOptions {
  readonly mode: number;
  readonly gid?: number | undefined;
  /** Undefined: half of the machine's memory, the kernel's default. */
  readonly sizeBytes?: number | undefined;
}

/** File systems that we put into folders of the host. */
export interface Mounts {
  /**
   * Makes `folder` a file system in memory; does nothing where it is one already. Rejects with `Forbidden` where we lack
   * the right to mount.
   */
  mountMemory(folder: string, options: MemoryOptions): Promise<void>;
  /** Shows a file or folder at `target` as well. A source that leads through /proc is taken as it is. */
  bind(source: string, target: string): Promise<void>;
  /** Takes away whatever is mounted at `folder` and below. Reads the list of all mounts of the machine. */
  unmount(folder: string): Promise<void>;
}

const run = promisify(execFile);

/** The host's own. */
export const hostMounts: Mounts = {
  async mountMemory(folder, { mode, gid, sizeBytes }) {
    await mkdir(folder, { recursive: true });
    if (await isOwnFilesystem(folder)) return;
    const options = [
      `mode=${mode.toString(8)}`,
      'nosuid',
      'nodev',
      ...(gid === undefined ? [] : [`gid=${gid}`]),
      ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]),
    ];
    try {
      await run('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder]);
    } catch (error) {
      throw new CodedError('Forbidden', `cannot mount memory at ${folder}: ${messageOf(error)}`, { cause: error });
    }
  },

  async bind(source, target) {
    await run('mount', ['--no-canonicalize', '--bind', source, target]);
  },

  async unmount(folder) {
    const below = (await mountPoints()).filter(
      (path) => path === resolve(folder) || path.startsWith(`${resolve(folder)}/`),
    );
    // The last one first: it may stand on another. Lazily: a container that has just ended may hold it for a moment.
    for (const path of below.reverse()) await run('umount', ['--lazy', path]);
  },
};

/** Whether a folder is a file system of its own. Costs nothing, where the list of all mounts grows with all containers. */
export async function isOwnFilesystem(folder: string): Promise<boolean> {
  const [own, parent] = await Promise.all([stat(folder), stat(dirname(resolve(folder)))]);
  return own.dev !== parent.dev;
}

/** In the order in which they were mounted. */
async function mountPoints(): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  // The kernel writes blanks, backslashes and the like in octal.
  return lines.map((line) =>
    (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
  );
}
