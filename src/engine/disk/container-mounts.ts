import { join } from 'node:path';
import type { Container, Pod, Volume } from '../../kubernetes/objects.ts';
import type { Mount } from '../../runtime/runtime.ts';
import { CodedError } from '../../support/errors.ts';
import type { PodFolder } from './pod-folder.ts';

/** Kinds of volumes whose files come from the API. */
export function isApiVolume(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);
}

/**
 * What is mounted into a container: its volumes, the pod's /etc/hosts and the file for its last words. Volumes from the
 * API are never writable, as with kubelet.
 */
export function containerMounts(
  pod: Pod,
  container: Container,
  { folder, attempt, subPaths }: MountPlaces,
): readonly Mount[] {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }): Mount => {
    const volume = volumeNamed(pod, name);
    const source = subPaths.get(mountPath) ?? sourceOf(volume, folder);
    return { kind: 'bind', source, target: mountPath, readOnly: readOnly === true || isApiVolume(volume) };
  });
  const isTaken = (path: string): boolean => mounts.some(({ target }) => target === path);
  const hosts: Mount = { kind: 'bind', source: folder.hostsFile, target: '/etc/hosts', readOnly: false };
  return [
    ...mounts,
    ...(isTaken('/etc/hosts') ? [] : [hosts]),
    {
      kind: 'bind',
      source: folder.terminationMessage(container.name, attempt),
      target: terminationMessagePath(container),
      readOnly: false,
    },
  ];
}

export interface MountPlaces {
  readonly folder: PodFolder;
  readonly attempt: number;
  /** Where parts of volumes are, by the path at which the container wants them. */
  readonly subPaths: ReadonlyMap<string, string>;
}

/** Throws `InvalidInput` where the spec has no such volume. */
export function volumeNamed(pod: Pod, name: string): Volume {
  const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
  if (volume) return volume;
  throw new CodedError('InvalidInput', `the pod has no volume "${name}"`, { reason: 'CreateContainerConfigError' });
}

/** Where a volume lies on the host. Throws `InvalidInput` for one of a kind that is not ours. */
export function sourceOf(volume: Volume, folder: PodFolder): string {
  if (volume.emptyDir) return join(folder.emptyDirs, volume.name);
  if (volume.hostPath) return volume.hostPath.path;
  if (isApiVolume(volume)) return join(folder.apiVolumes, volume.name);
  throw new CodedError('InvalidInput', `volume "${volume.name}" cannot be mounted here`, {
    reason: 'CreateContainerConfigError',
  });
}

function terminationMessagePath({ terminationMessagePath: path = '/dev/termination-log' }: Container): string {
  return path.startsWith('/') ? path : `/${path}`;
}
