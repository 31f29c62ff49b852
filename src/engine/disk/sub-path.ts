import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { CodedError } from '../../support/errors.ts';
import type { Mounts } from './mounts.ts';

/** Opens nothing, and only stands for the place. Not among Node's constants. */
const pathOnly = 0o10000000;

export interface SubPath {
  /** The volume's folder on the host. */
  readonly volume: string;
  /** Within it, as the spec says. */
  readonly path: string;
  /** Where it is mounted for the container to take it from; nothing is there yet. */
  readonly target: string;
}

/**
 * Mounts a part of a volume at `target`, a missing one as a new folder. Whatever links containers put into the volume,
 * before or meanwhile, nothing outside of it is mounted: the place is opened part by part without following links, and
 * what was opened is mounted (kubelet's `doBindSubPath`). Rejects with `CreateContainerConfigError` as reason for a path
 * that leads out of the volume.
 */
export async function mountSubPath(mounts: Mounts, { volume, path, target }: SubPath): Promise<void> {
  if (isAbsolute(path) || path.split('/').includes('..')) throw outside(path);
  const root = await realpath(volume);
  await makeMissing(root, path);
  const real = relative(root, await realpath(join(root, path)));
  if (real === '..' || real.startsWith('../')) throw outside(path);
  const place = await openInside(root, partsOf(real));
  try {
    await makeTarget(target, (await place.stat()).isDirectory());
    await mounts.bind(`/proc/${process.pid}/fd/${place.fd}`, target);
  } finally {
    await place.close();
  }
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Throws where a part is a link: nobody of good intent makes one between our look and our opening. */
async function openInside(root: string, parts: readonly string[]): Promise<FileHandle> {
  let place = await open(root, pathOnly | constants.O_DIRECTORY);
  for (const part of parts) {
    const next = await open(inside(place, part), pathOnly | constants.O_NOFOLLOW).finally(() => place.close());
    place = next;
    if ((await place.stat()).isSymbolicLink()) {
      await place.close();
      throw outside(parts.join('/'));
    }
  }
  return place;
}

/** Makes folders for the parts of a path that are not there, with the rights of the volume's own. */
async function makeMissing(root: string, path: string): Promise<void> {
  if (await exists(join(root, path))) return;
  const { mode } = await stat(root);
  const present: string[] = [];
  for (const part of partsOf(path)) {
    const parent = await openInside(root, present);
    try {
      await mkdir(inside(parent, part), { mode: mode & 0o777 });
      // What our umask has taken away. Not by its name: that may be a link to somewhere else by now.
      const made = await open(inside(parent, part), constants.O_DIRECTORY | constants.O_NOFOLLOW);
      await made.chmod(mode & 0o2777).finally(() => made.close());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await parent.close();
    }
    present.push(part);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function inside(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

/** A folder is mounted on a folder, a file on a file. */
async function makeTarget(target: string, isFolder: boolean): Promise<void> {
  await mkdir(isFolder ? target : dirname(target), { recursive: true });
  if (!isFolder) await writeFile(target, '');
}

function outside(path: string): CodedError {
  return new CodedError('InvalidInput', `subPath "${path}" leads out of its volume`, {
    reason: 'CreateContainerConfigError',
  });
}
