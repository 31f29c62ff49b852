import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod, Volume } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { podMemoryLimit } from '../../podspec/resources/cgroup.ts';
import { parseQuantity, wholeUnits } from '../../podspec/resources/quantity.ts';
import { type VolumeFile, volumeFiles } from '../../podspec/volumes/volume-files.ts';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import { writeAtomically } from './atomic-writer.ts';
import { type PodFolder, podFolder } from './pod-folder.ts';

/** How often files from the API are read again, as kubelet does (`syncFrequency`). */
const refreshMs = 60_000;

type VolumeContext = Pick<EngineContext, 'rootDir' | 'mounts' | 'references' | 'node' | 'clock' | 'random'>;

export interface SetUpOptions {
  readonly signal: AbortSignal;
  /** Digests of volumes that this process has put on disk, by name: what has not changed is not looked at again. */
  readonly present: Map<string, string>;
}

/**
 * Puts a pod's volumes on disk, or brings those that are there up to date; gives when to do so again, undefined for
 * never. Rejects with `FailedMount` as reason where a volume cannot be had.
 */
export async function setUpVolumes(
  context: VolumeContext,
  pod: Pod,
  options: SetUpOptions,
): Promise<number | undefined> {
  const folder = podFolder(context.rootDir, podRef(pod).uid);
  let dueAtMs: number | undefined;
  for (const volume of pod.spec?.volumes ?? []) {
    try {
      const volumeDueAtMs = await setUpVolume(context, { ...options, pod, volume, folder });
      if (volumeDueAtMs !== undefined) dueAtMs = Math.min(dueAtMs ?? volumeDueAtMs, volumeDueAtMs);
    } catch (error) {
      if (options.signal.aborted) throw error;
      throw new CodedError(
        'Unavailable',
        `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`,
        {
          reason: 'FailedMount',
          cause: error,
        },
      );
    }
  }
  return dueAtMs;
}

interface VolumeRequest extends SetUpOptions {
  readonly pod: Pod;
  readonly volume: Volume;
  readonly folder: PodFolder;
}

async function setUpVolume(context: VolumeContext, request: VolumeRequest): Promise<number | undefined> {
  const { pod, volume, folder, signal, present } = request;
  if (volume.emptyDir || volume.hostPath) {
    if (present.has(volume.name)) return undefined;
    if (volume.emptyDir) await setUpEmptyDir(context, request);
    if (volume.hostPath) await checkHostPath(volume.hostPath);
    present.set(volume.name, '');
  } else {
    const nodeAllocatable = await context.node.allocatable({ signal });
    const input = { pod, references: context.references, nodeAllocatable };
    const wanted = await volumeFiles(volume, input, { signal });
    if (!wanted) throw new CodedError('NotImplemented', 'volumes of this kind are not supported');
    const gid = pod.spec?.securityContext?.fsGroup;
    const digest = digestOf(wanted.files);
    if (present.get(volume.name) !== digest)
      await writeAtomically(join(folder.apiVolumes, volume.name), wanted.files, { gid });
    present.set(volume.name, digest);
    // With some chance, so that not all pods come at once. Tokens are renewed long before a minute is all they have.
    return context.clock.now() + refreshMs * (1 + context.random() / 2);
  }
  return undefined;
}

function digestOf(files: readonly VolumeFile[]): string {
  const hash = createHash('sha256');
  for (const { path, contents, mode, ownerUid } of files) {
    hash.update(JSON.stringify([path, mode, ownerUid, contents.length]));
    hash.update(contents);
  }
  return hash.digest('base64');
}

/** A folder that everybody may use, and the pod's group owns; in memory where the pod asks for that. */
async function setUpEmptyDir(
  { mounts, node }: VolumeContext,
  { pod, volume, folder, signal }: VolumeRequest,
): Promise<void> {
  const path = join(folder.emptyDirs, volume.name);
  const gid = pod.spec?.securityContext?.fsGroup;
  const mode = gid === undefined ? 0o777 : 0o2777;
  if (!(await exists(path))) {
    // Made aside, so that a crash leaves no folder with the wrong rights; a name of a volume has no dot.
    const fresh = `${path}.new`;
    await mkdir(fresh, { recursive: true });
    if (gid !== undefined) await chown(fresh, 0, gid);
    await chmod(fresh, mode);
    await rename(fresh, path);
  }
  if (volume.emptyDir?.medium === 'Memory') {
    const { memory } = await node.allocatable({ signal });
    await mounts.mountMemory(path, { mode, gid, sizeBytes: memorySize(pod, volume.emptyDir.sizeLimit, memory) });
  }
}

/** The least of what the volume, the pod and the node may have (kubelet's `calculateEmptyDirMemorySize`). */
function memorySize(pod: Pod, sizeLimit: string | undefined, allocatable: string | undefined): number | undefined {
  const limits = [bytesOf(sizeLimit), podMemoryLimit(pod), bytesOf(allocatable)].filter((bytes) => bytes > 0);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function bytesOf(quantity: string | undefined): number {
  return quantity === undefined ? 0 : wholeUnits(parseQuantity(quantity));
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

type HostPath = NonNullable<Volume['hostPath']>;

/** What each type of hostPath wants to find, in the words of kubelet's `host_path.go`. */
const wantedKinds: Readonly<Record<string, readonly [words: string, is: (stats: Stats) => boolean]>> = {
  Directory: ['a directory', (stats) => stats.isDirectory()],
  DirectoryOrCreate: ['a directory', (stats) => stats.isDirectory()],
  File: ['a file', (stats) => stats.isFile()],
  FileOrCreate: ['a file', (stats) => stats.isFile()],
  Socket: ['a socket file', (stats) => stats.isSocket()],
  CharDevice: ['a character device', (stats) => stats.isCharacterDevice()],
  BlockDevice: ['a block device', (stats) => stats.isBlockDevice()],
};

async function checkHostPath({ path, type = '' }: HostPath): Promise<void> {
  const isThere = await exists(path);
  // Without a type nothing is checked, and container runtimes make a folder of what is missing.
  if (!isThere && (type === '' || type === 'DirectoryOrCreate')) await mkdir(path, { recursive: true, mode: 0o755 });
  if (!isThere && type === 'FileOrCreate') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '', { mode: 0o644, flag: 'a' });
  }
  const wanted = wantedKinds[type];
  if (!wanted) return;
  const stats = await stat(path).catch(() => undefined);
  if (!stats || !wanted[1](stats)) throw new Error(`hostPath type check failed: ${path} is not ${wanted[0]}`);
}
