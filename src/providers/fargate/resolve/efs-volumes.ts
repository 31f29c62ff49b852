import type { Pod, Volume } from '../../../kubernetes/objects.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { CodedError } from '../../../support/errors.ts';
import { type EfsVolume, efsVolume } from './efs-volume.ts';

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
