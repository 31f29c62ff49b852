import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { PodContext } from '../pod-context.ts';

/** Whether the object says that it stands for a static pod, one that a node has from a file of its own. */
export function isMirrorPod({ metadata }: Pod): boolean {
  return metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

/**
 * Deletes the object of a mirror pod. There are no static pods here that one could stand for, and nobody else would ever
 * let it go: it would hold up its namespace (kubelet's `deleteOrphanedMirrorPods`).
 */
export async function dropMirror(context: PodContext, pod: Pod, signal: AbortSignal): Promise<void> {
  const ref = podRef(pod);
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  const isOnItsWay = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0;
  if (isOnItsWay) return;
  const message = 'A mirror pod stands for a static pod of its node, and this node has none: it is deleted';
  context.recordEvent({ pod: ref, type: 'Warning', reason: 'OrphanedMirrorPod', message });
  context.log.warn(message, { ...ref });
  await context.statusWriter.remove(ref, signal);
}
