import { join } from 'node:path';
import type { Container, Pod, Volume } from '../../kubernetes/objects.ts';
import type { Mount } from '../../runtime/runtime.ts';
import { CodedError } from '../../support/errors.ts';
import type { PodFolder } from './pod-folder.ts';

/** Kinds of volumes whose files come from the API. */
export function isApiVolume(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);
}

/** Where a volume lies on the host; undefined for one of a kind that is not ours. */
export function volumeSource(volume: Volume, folder: PodFolder): string | undefined {
  if (volume.emptyDir) return join(folder.emptyDirs, volume.name);
  if (volume.hostPath) return volume.hostPath.path;
  return isApiVolume(volume) ? join(folder.apiVolumes, volume.name) : undefined;
}

/**
 * What is mounted into a container: its volumes, the pod's /etc/hosts and the file for its last words. Volumes from the
 * API are never writable, as with kubelet.
 */
export function containerMounts(
  pod: Pod,
  container: Container,
  { folder, attempt }: { readonly folder: PodFolder; readonly attempt: number },
): readonly Mount[] {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }): Mount => {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
    const source = volume && volumeSource(volume, folder);
    if (volume === undefined || source === undefined) {
      throw new CodedError('InvalidInput', `volume "${name}" of container ${container.name} cannot be mounted here`, {
        reason: 'CreateContainerConfigError',
      });
    }
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

function terminationMessagePath({ terminationMessagePath: path = '/dev/termination-log' }: Container): string {
  return path.startsWith('/') ? path : `/${path}`;
}
