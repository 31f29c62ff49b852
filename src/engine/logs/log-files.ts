import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * A container's log is a row of files: `<path>`, which the container writes into, and before it `<path>.<serial>`, which
 * the rotation has left. Serials grow by one with each rotation, so that their order does not hang on the clock.
 */
export interface RotatedFile {
  readonly serial: number;
  readonly path: string;
}

/** One file of the row, open. It can be read to its end also after it was removed. */
export interface LogFile {
  readonly handle: FileHandle;
  /** The serial that it has, or will have once it is rotated. */
  readonly serial: number;
}

/** Those that the rotation has left, oldest first. */
export async function rotatedFiles(path: string): Promise<readonly RotatedFile[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,14}$/.test(name.slice(prefix.length)))
    .map((name) => ({ serial: Number(name.slice(prefix.length)), path: join(dirname(path), name) }))
    .sort((a, b) => a.serial - b.serial);
}

/** Opens the file that the container writes into. Rejects as `open` does where there is none. */
export async function openNewest(path: string): Promise<LogFile> {
  for (;;) {
    const handle = await open(path, 'r');
    try {
      const last = (await rotatedFiles(path)).at(-1);
      // In the middle of a rotation the newest file has its later name already.
      const isLast = last !== undefined && (await isSameFile(handle, last.path));
      if (await isSameFile(handle, path)) return { handle, serial: (last?.serial ?? 0) + (isLast ? 0 : 1) };
    } catch (error) {
      await handle.close();
      throw error;
    }
    // It was rotated meanwhile: its serial is not certain.
    await handle.close();
  }
}

/** Opens the oldest file after that serial, which is the newest one where the rotation has left none. */
export async function openAfter(path: string, serial: number): Promise<LogFile> {
  for (;;) {
    const next = (await rotatedFiles(path)).find((file) => file.serial > serial);
    const file = next === undefined ? await openNewest(path) : await openRotated(next);
    // The newest one may have been rotated between the two looks; then it is not the next.
    if (file !== undefined && (next !== undefined || file.serial <= serial + 1)) return file;
    await file?.handle.close();
  }
}

/** Opens the newest file before that serial; undefined where it was the oldest. */
export async function openBefore(path: string, serial: number): Promise<LogFile | undefined> {
  for (;;) {
    const previous = (await rotatedFiles(path)).findLast((file) => file.serial < serial);
    if (previous === undefined) return undefined;
    const file = await openRotated(previous);
    if (file !== undefined) return file;
  }
}

/** Whether the open file is the one that has this name now; false also where nothing has it. */
export async function isSameFile(handle: FileHandle, path: string): Promise<boolean> {
  const [own, other] = await Promise.all([handle.stat(), stat(path).catch(ifThereIsNone)]);
  return other !== undefined && own.ino === other.ino && own.dev === other.dev;
}

/** Undefined where it has just been removed as the oldest. */
async function openRotated({ serial, path }: RotatedFile): Promise<LogFile | undefined> {
  const handle = await open(path, 'r').catch(ifThereIsNone);
  return handle && { handle, serial };
}

/** For a `catch`: what is not there is undefined, other errors go on. */
export function ifThereIsNone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
