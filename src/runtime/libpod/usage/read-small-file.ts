import { closeSync, openSync, readSync } from 'node:fs';

/** More than any file of a cgroup or of /proc that we read has; one read gives the kernel's whole answer. */
const buffer = Buffer.allocUnsafe(65_536);

/**
 * The content of a file that the kernel makes up, undefined where it is not there (any more). Synchronous: nothing waits
 * for a disk, and the way through a thread would take ten times as long.
 */
export function readSmallFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer));
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
