import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError, messageOf } from './errors.ts';

/**
 * Makes a folder of an absolute path, those above it included, and writes a file into it to see that it can be used.
 * `InvalidInput` with `name`, the setting that it comes from, where it cannot.
 */
export async function makeOwnFolder(path: string, name: string): Promise<void> {
  try {
    await makeFolders(path);
    const trial = join(path, `.trial-${randomUUID()}`);
    await writeFile(trial, 'x', { flag: 'wx' });
    await rm(trial);
  } catch (error) {
    throw new CodedError(
      'InvalidInput',
      `${name}: "${path}" cannot be used: ${messageOf(error)}; give a folder that this process can make and write to`,
      { cause: error },
    );
  }
}

/** One by one: Node's recursive mkdir never returns where a file system says of a folder that is there that it is not (/proc). */
async function makeFolders(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  // Another kind of file is told of by what is tried next.
  if (found?.isDirectory()) return;
  if (dirname(path) !== path) await makeFolders(dirname(path));
  try {
    await mkdir(path, { mode: 0o755 });
  } catch (error) {
    const isMeanwhileThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!isMeanwhileThere || !(await stat(path)).isDirectory()) throw error;
  }
}
