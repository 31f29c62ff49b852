import type { MountPoint, Volume as TaskVolume, Tmpfs } from '@aws-sdk/client-ecs';
import type { Container, Pod, Volume } from '../../../kubernetes/objects.ts';
import { isApiAccessMount, isApiAccessVolume } from '../../../podspec/features/defaults.ts';
import { parseQuantity, wholeUnits } from '../../../podspec/resources/quantity.ts';
import type { EfsVolume } from '../resolve/efs-volume.ts';
import { allContainers } from '../resolve/pod-inputs.ts';

const mib = 2 ** 20;

/** The task's volumes: room of its own and parts of EFS. What is in memory belongs to a container, see `tmpfsMounts`. */
export function taskVolumes(pod: Pod, efs: Readonly<Record<string, EfsVolume>>): TaskVolume[] {
  return (pod.spec?.volumes ?? []).flatMap((volume): TaskVolume[] => {
    const { name, emptyDir } = volume;
    const fileSystem = efs[name];
    if (fileSystem) return [{ name, efsVolumeConfiguration: efsConfiguration(fileSystem) }];
    return emptyDir && !isInMemory(volume) ? [{ name }] : [];
  });
}

function efsConfiguration(volume: EfsVolume): TaskVolume['efsVolumeConfiguration'] {
  const { fileSystemId, rootDirectory, accessPointId, encryptInTransit, useIam } = volume;
  return {
    fileSystemId,
    ...(rootDirectory !== undefined && { rootDirectory }),
    transitEncryption: encryptInTransit ? 'ENABLED' : 'DISABLED',
    ...((accessPointId !== undefined || useIam) && {
      authorizationConfig: {
        ...(accessPointId !== undefined && { accessPointId }),
        iam: useIam ? 'ENABLED' : 'DISABLED',
      },
    }),
  };
}

/** Where the container sees the task's volumes. */
export function mountPoints(container: Container, pod: Pod, efs: Readonly<Record<string, EfsVolume>>): MountPoint[] {
  const volumes = new Map((pod.spec?.volumes ?? []).map((volume) => [volume.name, volume]));
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const volume = volumes.get(mount.name);
    if (volume === undefined || isInMemory(volume) || isApiAccessMount(mount)) return [];
    const isReadOnlyVolume = volume.persistentVolumeClaim?.readOnly === true || efs[volume.name]?.readOnly === true;
    const readOnly = mount.readOnly === true || isReadOnlyVolume;
    return [{ sourceVolume: mount.name, containerPath: mount.mountPath, readOnly }];
  });
}

/** The container's emptyDirs in memory; one without a limit may fill the task's memory. */
export function tmpfsMounts(container: Container, pod: Pod, taskMemoryMib: number): Tmpfs[] {
  const volumes = new Map((pod.spec?.volumes ?? []).map((volume) => [volume.name, volume]));
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const volume = volumes.get(mount.name);
    if (volume === undefined || !isInMemory(volume)) return [];
    const limit = volume.emptyDir?.sizeLimit;
    const size = limit ? Math.ceil(wholeUnits(parseQuantity(limit)) / mib) : taskMemoryMib;
    return [{ containerPath: mount.mountPath, size, ...(mount.readOnly && { mountOptions: ['ro'] }) }];
  });
}

export function isInMemory({ emptyDir }: Volume): boolean {
  return emptyDir?.medium === 'Memory';
}

/** At how many places of how many containers the volume is seen. */
export function mountCount(pod: Pod, { name }: Volume): number {
  return allContainers(pod)
    .flatMap(({ volumeMounts = [] }) => volumeMounts)
    .filter((mount) => mount.name === name).length;
}

/** The volume with the service account's token that admission adds, which nothing mounts in a task. */
export function apiAccessVolume(pod: Pod): Volume | undefined {
  return pod.spec?.volumes?.find(isApiAccessVolume);
}
