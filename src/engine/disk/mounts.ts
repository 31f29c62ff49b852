import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
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
  /** Takes a mount away; does nothing where there is none. */
  unmount(folder: string): Promise<void>;
}

const run = promisify(execFile);

/** The host's own. */
export const hostMounts: Mounts = {
  async mountMemory(folder, { mode, gid, sizeBytes }) {
    await mkdir(folder, { recursive: true });
    if (await isMountPoint(folder)) return;
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

  async unmount(folder) {
    // Lazily: a container that has just ended may hold it for a moment.
    if (await isMountPoint(folder)) await run('umount', ['--lazy', folder]);
  },
};

async function isMountPoint(folder: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  // The kernel writes backslashes and blanks in octal.
  const path = resolve(folder).replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  return mounts.split('\n').some((line) => line.split(' ')[4] === path);
}
