import { type Pod, podRef, type Secret } from '../../kubernetes/objects.ts';
import type { RecordPodEvent } from '../pod-events.ts';
import type { PodReferences } from '../references.ts';

/**
 * The pod's image pull secrets. Those that do not exist are told by an event and passed over, as kubelet does: the image
 * may need none.
 */
export async function pullSecrets(
  pod: Pod,
  options: {
    readonly references: PodReferences;
    readonly recordEvent: RecordPodEvent;
    readonly signal: AbortSignal;
  },
): Promise<readonly Secret[]> {
  const { references, recordEvent, signal } = options;
  const names = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) => name || []);
  const found = await Promise.all(
    names.map((name) => references.secret(pod.metadata?.namespace ?? '', name, { signal })),
  );
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    recordEvent({
      pod: podRef(pod),
      type: 'Warning',
      reason: 'FailedToRetrieveImagePullSecret',
      message: `Unable to retrieve some image pull secrets (${missing.toSorted().join(', ')}); attempting to pull the image may not succeed.`,
    });
  }
  return found.filter((secret) => secret !== undefined);
}
