import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../kubernetes/objects.ts';
import { refusedEphemeralContainers } from '../../podspec/features/refusals.ts';
import { attempt } from '../attempt.ts';
import { done, type PodStep, type StepResult } from '../pod-context.ts';
import { runnable } from '../runnable.ts';

/**
 * Tells the provider of a changed spec, labels or annotations. What it can never do is said in an event and left: the
 * pod runs on as it is.
 */
export async function update(step: PodStep): Promise<StepResult> {
  const { context, tracked, pod, signal } = step;
  const { told } = tracked;
  if (told !== undefined && isSameToProvider(told, pod)) {
    // The newest object, so that no older one is kept in memory for its sake.
    tracked.told = pod;
    return done;
  }
  tellRefusedContainers(step);
  const result = await attempt(context, tracked, {
    operation: 'update',
    signal,
    call: () => context.provider.updatePod(runnable(pod, context.provider), { signal }),
  });
  if (result.kind === 'again') return result;
  tracked.told = pod;
  context.claims.put(tracked.ref.uid, pod);
  return done;
}

/** By an event, once; their status says it as well. */
function tellRefusedContainers({ context, tracked, pod }: PodStep): void {
  if (isDeepStrictEqual(tracked.told?.spec?.ephemeralContainers, pod.spec?.ephemeralContainers)) return;
  if (tracked.failure?.operation === 'update') return;
  for (const message of refusedEphemeralContainers(pod, context.provider.capabilities).values()) {
    context.recordEvent({ pod: tracked.ref, type: 'Warning', reason: 'UnsupportedPodSpec', message });
  }
}

/** `generation` counts changes of the spec, where the API server is new enough to set it. */
function isSameToProvider(before: Pod, after: Pod): boolean {
  if (before === after) return true;
  const [{ metadata: old }, { metadata: now }] = [before, after];
  const isCounted = old?.generation !== undefined && now?.generation !== undefined;
  const isSameSpec = isCounted ? old.generation === now.generation : isDeepStrictEqual(before.spec, after.spec);
  return (
    isSameSpec && isDeepStrictEqual(old?.labels, now?.labels) && isDeepStrictEqual(old?.annotations, now?.annotations)
  );
}
