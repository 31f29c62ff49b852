import { statfs } from 'node:fs/promises';

/** How full a file system is. */
export interface Filesystem {
  readonly capacityBytes: number;
  /** For those who are not root. */
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
  readonly inodesUsed: number;
}

/** Of the file system that `path` lies on; undefined where it cannot be seen from here. */
export async function readFilesystem(path: string): Promise<Filesystem | undefined> {
  const stats = await statfs(path).catch(() => undefined);
  if (stats === undefined) return undefined;
  const { bsize, blocks, bfree, bavail, files, ffree } = stats;
  return {
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
    inodesUsed: files - ffree,
  };
}
