import type { PersistentVolume, Pod, Volume } from '../../../kubernetes/objects.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { CodedError } from '../../../support/errors.ts';

/** A part of an EFS file system, as ECS mounts it. */
export interface EfsVolume {
  readonly fileSystemId: string;
  /** Undefined with an access point, which has its own. */
  readonly rootDirectory?: string;
  readonly accessPointId?: string;
  readonly encryptInTransit: boolean;
  /** Whether the task's role decides what it may do there. */
  readonly useIam: boolean;
}

const efsDriver = 'efs.csi.aws.com';

/**
 * The pod's persistent volume claims by the names of their volumes. Rejects with a passing `NotFound` where a claim is
 * not bound yet, with `InvalidInput` where it is bound to what Fargate cannot mount.
 */
export async function efsVolumes(
  pod: Pod,
  references: PodReferences,
  options: { readonly signal: AbortSignal },
): Promise<Readonly<Record<string, EfsVolume>>> {
  const { namespace = '' } = pod.metadata ?? {};
  const found: Record<string, EfsVolume> = {};
  for (const volume of pod.spec?.volumes ?? []) {
    const claim = claimName(pod, volume);
    if (claim === undefined) continue;
    const persistentVolume = await references.persistentVolume?.(namespace, claim, options);
    if (persistentVolume === undefined) {
      throw new CodedError('NotFound', `persistent volume claim ${namespace}/${claim} is not there or not bound yet`, {
        reason: 'FailedMount',
      });
    }
    found[volume.name] = efsVolume(persistentVolume, claim);
  }
  return found;
}

/** A generic ephemeral volume has a claim that is named after pod and volume. */
function claimName(pod: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  if (ephemeral) return `${pod.metadata?.name}-${name}`;
  return persistentVolumeClaim?.claimName;
}

/** `fs-0123`, `fs-0123:/path`, `fs-0123::fsap-0123`: what the EFS driver takes for a handle. */
function efsVolume({ spec }: PersistentVolume, claim: string): EfsVolume {
  const { driver, volumeHandle = '', volumeAttributes = {} } = spec?.csi ?? {};
  if (driver !== efsDriver) {
    throw new CodedError(
      'InvalidInput',
      `claim ${claim} is bound to a volume of another kind than ${efsDriver}: Fargate mounts EFS alone`,
      {
        reason: 'UnsupportedPodSpec',
      },
    );
  }
  const options = new Set(spec?.mountOptions ?? []);
  const [fileSystemId = '', path = '', ofHandle = ''] = volumeHandle.split(':');
  const ofOptions = [...options].find((option) => option.startsWith('accesspoint='))?.slice('accesspoint='.length);
  const accessPointId = ofHandle || ofOptions;
  const useIam = options.has('iam');
  return {
    fileSystemId,
    ...(accessPointId ? { accessPointId } : { rootDirectory: path || '/' }),
    // ECS demands it for both; the driver has it unless it is told otherwise.
    encryptInTransit: !!accessPointId || useIam || volumeAttributes['encryptInTransit'] !== 'false',
    useIam,
  };
}
