import type { Pod, PodRef, PodStatus } from '../../kubernetes/objects.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import { isTerminalPhase } from '../../podspec/status/phase.ts';
import { failedStatus, podStatus } from '../../podspec/status/pod-status.ts';
import { statusPatch, withAnnotations } from '../../podspec/status/status-patch.ts';
import type { PodContext, PodStep } from '../pod-context.ts';
import { withRefused } from '../runnable.ts';
import { hasEnded, type TrackedPod } from '../tracked-pod.ts';

/**
 * Writes what the pod has come to, with one patch, where that differs from what the API server has. Gives the pod as the
 * API server has it afterwards; undefined where it has it no longer.
 */
export async function writeStatus({ context, tracked, pod, signal }: PodStep): Promise<Pod | undefined> {
  const { uid } = tracked.ref;
  const desired = desiredStatus(context, tracked, pod);
  const observed = tracked.observed;
  const changes = desired && statusPatch(uid, pod.status, desired);
  const patch = desired && withAnnotations(changes, pod, observed?.annotations);
  if (patch === undefined) {
    context.tracker.markSaved(uid);
    return pod;
  }
  const replaced = context.store.byUid(uid)?.metadata?.resourceVersion;
  const written = await context.statusWriter.write(tracked.ref, patch, signal);
  if (tracked.observed === observed) context.tracker.markSaved(uid);
  tracked.written = written && { replaced, pod: written };
  return written;
}

/**
 * Undefined while there is nothing to say. What the provider pushes of a pod that it does not have in hand yet is left
 * out, see `start`, unless the pod is to end anyway.
 */
function desiredStatus(context: PodContext, tracked: TrackedPod, pod: Pod): PodStatus | undefined {
  const { verdict, failure, isInHand } = tracked;
  const input = { pod, hostIps: context.hostIps, nowMs: context.clock.now() };
  const isToEnd = pod.metadata?.deletionTimestamp !== undefined || isTerminalPhase(pod.status?.phase);
  const told = isInHand || isToEnd || verdict !== undefined ? tracked.observed : undefined;
  const observed = told && withRefused(told, pod, context.provider);
  if (verdict?.state === 'waiting' && !hasEnded(tracked)) {
    return podStatus({ ...input, observed, waitingReason: verdict });
  }
  if (observed !== undefined) {
    return podStatus({ ...input, observed: verdict === undefined ? observed : { ...observed, failure: verdict } });
  }
  if (tracked.isNothingLeft) {
    if (isTerminalPhase(pod.status?.phase)) return undefined;
    if (verdict !== undefined) return failedStatus(pod, { ...verdict, nowMs: input.nowMs });
    return podStatus({ ...input, observed: nothingObserved(tracked.ref) });
  }
  if (failure?.operation === 'create') return podStatus({ ...input, observed, waitingReason: failure });
  return isInHand ? podStatus({ ...input, observed }) : undefined;
}

/** A pod that has ended without a trace: podStatus makes of it what kubelet's TerminatePod does. */
function nothingObserved(ref: PodRef): ObservedPod {
  return { ref, sandboxReady: false, podIps: [], containers: [], ended: true };
}
