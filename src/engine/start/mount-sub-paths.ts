import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../kubernetes/objects.ts';
import { expandedSubPath, type Variables } from '../../podspec/environment/expand.ts';
import { sourceOf, volumeNamed } from '../disk/container-mounts.ts';
import type { Mounts } from '../disk/mounts.ts';
import type { PodFolder } from '../disk/pod-folder.ts';
import { mountSubPath } from '../disk/sub-path.ts';
import type { ContainerIdentity } from '../pod/labels.ts';

/** Makes the parts of volumes that a container mounts ready for it, and takes away those of its attempts before. */
export async function mountSubPaths(
  mounts: Mounts,
  start: {
    readonly pod: Pod;
    readonly identity: ContainerIdentity;
    readonly folder: PodFolder;
    readonly environment: Variables;
  },
): Promise<ReadonlyMap<string, string>> {
  const { pod, identity, folder, environment } = start;
  const { container, attempt } = identity;
  const places = new Map<string, string>();
  const wanted = (container.volumeMounts ?? []).filter(({ subPath, subPathExpr }) => subPath || subPathExpr);
  if (wanted.length === 0) return places;
  const root = folder.subPaths(container.name);
  await mounts.unmount(root);
  await rm(root, { recursive: true, force: true });
  for (const [index, { name, mountPath, subPath, subPathExpr }] of wanted.entries()) {
    const path = subPathExpr ? expandedSubPath(subPathExpr, environment) : (subPath ?? '');
    const target = join(root, String(attempt), String(index));
    await mountSubPath(mounts, { volume: sourceOf(volumeNamed(pod, name), folder), path, target });
    places.set(mountPath, target);
  }
  return places;
}
