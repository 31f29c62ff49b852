import { dirname } from 'node:path';
import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { isApiVolume, sourceOf } from './container-mounts.ts';
import type { MeasuredFolder } from './disk-sizes.ts';
import { memoryFolder, podFolder } from './pod-folder.ts';

/** A folder of a pod, before it is said whether the pod is limited. */
type Folder = Omit<MeasuredFolder, 'isLimited'>;

export interface VolumeFolder extends Folder {
  /** Of the volume. */
  readonly name: string;
  /** It takes of the disk that pods share. */
  readonly isOnDisk: boolean;
}

/** Where the pod's own volumes lie. A hostPath is the host's, and is not the pod's to be measured, as with kubelet. */
export function volumeFolders(rootDir: string, pod: Pod): readonly VolumeFolder[] {
  const { uid } = podRef(pod);
  const folder = podFolder(rootDir, uid);
  return (pod.spec?.volumes ?? []).flatMap((volume): readonly VolumeFolder[] => {
    const isFromApi = isApiVolume(volume);
    if (!isFromApi && !volume.emptyDir) return [];
    const path = sourceOf(volume, folder);
    const isInMemory = volume.emptyDir?.medium === 'Memory';
    return [
      {
        key: `${uid}/${volume.name}`,
        path,
        filesystem: isFromApi ? memoryFolder(rootDir) : isInMemory ? path : rootDir,
        name: volume.name,
        isOnDisk: !isFromApi && !isInMemory,
      },
    ];
  });
}

/** Where a container's own files are, by its id. All layers lie beside each other on one file system. */
export function layerFolder(container: string, path: string): Folder {
  return { key: container, path, filesystem: dirname(dirname(path)) };
}
