import { done, type PodStep, type StepResult } from '../pod-context.ts';
import { controllerOf } from './admit.ts';
import { end } from './end.ts';

/** How often a pod that waits is looked at again, where room for it may have been made. */
const lookAgainMs = 10_000;

/**
 * Lets a pod that cannot run fail: at once where nobody would replace it, else when its owner's turn comes; until then
 * it stays Pending and its containers say why. A DaemonSet's pod stays so for good: the DaemonSet deletes a Failed pod
 * and makes another one without end, and has no other node for it. What a refused pod still runs is ended first.
 */
export async function refuse(step: PodStep): Promise<StepResult> {
  const { context, tracked, pod } = step;
  const { verdict } = tracked;
  if (verdict?.state === 'waiting') {
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet') return verdict.mayPass ? { kind: 'again', retryAfterMs: lookAgainMs } : done;
    const waitMs = owner === undefined ? 0 : context.pacer.takeTurn(owner.uid);
    if (waitMs > 0) return { kind: 'again', retryAfterMs: verdict.mayPass ? Math.min(waitMs, lookAgainMs) : waitMs };
    tracked.verdict = { ...verdict, state: 'failed' };
  }
  return end(step.context, tracked, { gracePeriodSeconds: tracked.gracePeriodSeconds, signal: step.signal });
}
