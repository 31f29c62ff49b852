import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VolumeFile } from '../../podspec/volumes/volume-files.ts';

export interface WriteOptions {
  /** Group of files and folders, which it may then read (fsGroup). */
  readonly gid?: number | undefined;
}

const dataLink = '..data';

/**
 * Brings `folder` to exactly these files, all at one moment: they are written beside the old ones and
 * one symbolic link is switched, which is the layout of kubelet's AtomicWriter that programs watch for: `key ->
 * ..data/key`, `..data -> ..4f6c…`. Gives whether anything changed.
 */
export async function writeAtomically(
  folder: string,
  files: readonly VolumeFile[],
  options: WriteOptions = {},
): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  await own(folder, { mode: options.gid === undefined ? 0o755 : 0o2775, gid: options.gid });
  const old = await readlink(join(folder, dataLink)).catch(() => undefined);
  if (old !== undefined && (await holdsExactly(join(folder, old), files))) {
    await linkNames(folder, files);
    return false;
  }
  const fresh = await writeFresh(folder, files, options);
  const temporary = join(folder, '..data_tmp');
  await rm(temporary, { force: true });
  await symlink(fresh, temporary);
  await rename(temporary, join(folder, dataLink));
  await linkNames(folder, files);
  await removeOthers(folder, fresh);
  return true;
}

async function writeFresh(folder: string, files: readonly VolumeFile[], { gid }: WriteOptions): Promise<string> {
  const name = `..${randomBytes(8).toString('hex')}`;
  const root = join(folder, name);
  await mkdir(root);
  await own(root, { mode: 0o755, gid });
  for (const { path, contents, mode, ownerUid } of files) {
    const parents = dirname(path)
      .split('/')
      .filter((part) => part !== '.');
    for (const index of parents.keys()) {
      const parent = join(root, ...parents.slice(0, index + 1));
      await mkdir(parent, { recursive: true });
      await own(parent, { mode: 0o755, gid });
    }
    const target = join(root, path);
    await writeFile(target, contents, { mode: 0o600 });
    await own(target, { mode: gid === undefined ? mode : mode | 0o440, uid: ownerUid, gid });
  }
  return name;
}

/** Sets owner and mode; in this order, as changing the owner takes away special bits. */
async function own(
  path: string,
  {
    mode,
    uid = 0,
    gid,
  }: { readonly mode: number; readonly uid?: number | undefined; readonly gid?: number | undefined },
): Promise<void> {
  if (uid !== 0 || gid !== undefined) await chown(path, uid, gid ?? 0);
  await chmod(path, mode);
}

/** Whether the folder has these files with this content and no others. Modes do not change with the content. */
async function holdsExactly(root: string, files: readonly VolumeFile[]): Promise<boolean> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const present = entries.filter((entry) => entry.isFile()).length;
  if (present !== files.length) return false;
  for (const { path, contents } of files) {
    const there = await readFile(join(root, path)).catch(() => undefined);
    if (there === undefined || Buffer.compare(there, contents) !== 0) return false;
  }
  return true;
}

/** The names that programs open: a link for each first part of a path. */
async function linkNames(folder: string, files: readonly VolumeFile[]): Promise<void> {
  const names = new Set(files.map(({ path }) => path.split('/')[0] ?? path));
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith('..') && !names.has(entry)) await rm(join(folder, entry), { force: true });
  }
  for (const name of names) {
    const there = await lstat(join(folder, name)).catch(() => undefined);
    if (!there) await symlink(join(dataLink, name), join(folder, name));
  }
}

/** Versions before this one, and those that a crash left half written. */
async function removeOthers(folder: string, current: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith('..') || entry === dataLink || entry === current) continue;
    await rm(join(folder, entry), { recursive: true, force: true });
  }
}
