import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { Owner } from '../pod/labels.ts';
import { isOwnFilesystem, type Mounts } from './mounts.ts';

/** Where a pod's files are. Made of its UID alone, so that they are found again after a crash. */
export interface PodFolder {
  readonly root: string;
  readonly hostsFile: string;
  /** emptyDir volumes, a folder each. */
  readonly emptyDirs: string;
  /** Parts of volumes that a container's attempt mounts. */
  subPaths(container: string): string;
  /** Files from the API, a folder a volume: secrets among them, so they lie in memory where that can be had. */
  readonly apiVolumes: string;
  terminationMessage(container: string, attempt: number): string;
}

const subPathsName = 'sub-paths';

export function podFolder(rootDir: string, uid: string): PodFolder {
  const root = join(rootDir, 'pods', uid);
  return {
    root,
    hostsFile: join(root, 'etc-hosts'),
    emptyDirs: join(root, 'empty-dirs'),
    subPaths: (container) => join(root, subPathsName, container),
    apiVolumes: join(memoryFolder(rootDir), uid),
    terminationMessage: (container, attempt) => join(root, 'containers', container, `${attempt}.termination-message`),
  };
}

/** One folder in memory for all pods. */
export function memoryFolder(rootDir: string): string {
  return join(rootDir, 'memory');
}

/** What is noted of a pod beside its files: whose it is, and its spec for when only we know of it any more. */
interface Note extends Owner {
  readonly pod: Pod;
}

/** Makes the pod's folder, and writes down the pod in it. */
export async function notePod(rootDir: string, { metadata, spec }: Pod, owner: Owner): Promise<void> {
  const { managedFields: _managedFields, ...kept } = metadata ?? {};
  const pod: Pod = { metadata: kept, ...(spec && { spec }) };
  const { root } = podFolder(rootDir, podRef(pod).uid);
  await mkdir(root, { recursive: true, mode: 0o750 });
  const note: Note = { ...owner, pod };
  const fresh = join(root, 'pod.json.new');
  await writeFile(fresh, JSON.stringify(note), { mode: 0o600 });
  await rename(fresh, join(root, 'pod.json'));
}

/** Writes down why the pod is to end, for the process after us. */
export async function noteEviction(rootDir: string, uid: string, why: string): Promise<void> {
  await writeFile(evictionNote(rootDir, uid), why, { mode: 0o600 });
}

/** Undefined where the pod may go on. */
export async function notedEviction(rootDir: string, uid: string): Promise<string | undefined> {
  return (await readFile(evictionNote(rootDir, uid), 'utf8').catch(() => '')) || undefined;
}

function evictionNote(rootDir: string, uid: string): string {
  return join(podFolder(rootDir, uid).root, 'evicted');
}

/** UIDs of all pods that have a folder, whoever's they are. */
export async function podFolders(rootDir: string): Promise<readonly string[]> {
  return await readdir(join(rootDir, 'pods')).catch(() => []);
}

/** The pod as it was written down, without its status; undefined where it is not of `owner`. */
export async function notedPod(rootDir: string, uid: string, owner: Owner): Promise<Pod | undefined> {
  const note = await readNote(join(podFolder(rootDir, uid).root, 'pod.json'));
  return note?.nodeName === owner.nodeName && note.clusterId === owner.clusterId ? note.pod : undefined;
}

/** Undefined where a crash came before the note: nothing was run of such a pod. */
async function readNote(path: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Note;
  } catch {
    return undefined;
  }
}

/** Only volumes in memory and parts of volumes are mounted. */
async function hasMounts(rootDir: string, uid: string): Promise<boolean> {
  const { root, emptyDirs } = podFolder(rootDir, uid);
  if ((await readdir(root).catch((): string[] => [])).includes(subPathsName)) return true;
  for (const name of await readdir(emptyDirs).catch(() => [])) {
    if (await isOwnFilesystem(join(emptyDirs, name))) return true;
  }
  return false;
}

/** Removes the pod's files. What is mounted among them, which may be the host's own, is taken away before. */
export async function removePodFolder(rootDir: string, uid: string, mounts: Mounts): Promise<void> {
  const { root, apiVolumes } = podFolder(rootDir, uid);
  if (await hasMounts(rootDir, uid)) await mounts.unmount(root);
  await rm(apiVolumes, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
}
