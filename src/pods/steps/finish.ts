import type { Pod } from '../../kubernetes/objects.ts';
import { isTerminalPhase } from '../../podspec/status/phase.ts';
import type { PodStep } from '../pod-context.ts';
import { hasEnded } from '../tracked-pod.ts';

/**
 * Deletes the object of a pod that is being deleted, as soon as its containers have ended and its terminal status stands
 * in the API server, and no sooner (kubelet's `canBeDeleted`). An object that only waits for finalizers goes by itself
 * with the last of them.
 */
export async function finish({ context, tracked, pod, signal }: PodStep): Promise<void> {
  if (tracked.isFinished || !isReadyToGo(pod) || !hasEnded(tracked)) return;
  await context.statusWriter.remove(tracked.ref, signal);
  tracked.isFinished = true;
}

function isReadyToGo({ metadata, status }: Pod): boolean {
  return (
    metadata?.deletionTimestamp !== undefined &&
    metadata.deletionGracePeriodSeconds !== 0 &&
    isTerminalPhase(status?.phase)
  );
}
