import type { Pod } from '../../kubernetes/objects.ts';
import { refusalMessage, refusals } from '../../podspec/features/refusals.ts';
import type { PodStep } from '../pod-context.ts';

/** No kubelet has a word for this: a kubelet honours every field. */
const reason = 'UnsupportedPodSpec';

/**
 * Whether the provider can run the pod as its spec says. A pod that cannot is judged, once, with a reason that names
 * every field. One that the provider has already, since an earlier version of us let it in, goes on.
 */
export function admit({ context, tracked, pod }: PodStep): boolean {
  if (tracked.verdict !== undefined) return false;
  if (tracked.isTouched || tracked.observed !== undefined) return true;
  const { provider } = context;
  const refused = [...refusals(pod, provider.capabilities), ...(provider.refusals?.(pod) ?? [])];
  if (refused.length === 0) return true;
  const message = refusalMessage(refused);
  tracked.verdict = { reason, message, state: 'waiting' };
  context.recordEvent({ pod: tracked.ref, type: 'Warning', reason, message });
  context.log.warn('The pod cannot be run as it is written', { ...tracked.ref, why: message });
  return false;
}

/** Who made the pod and would make another one in its place. */
export function controllerOf(pod: Pod): { readonly kind: string; readonly uid: string } | undefined {
  return pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}
