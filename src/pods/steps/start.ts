import { attempt } from '../attempt.ts';
import { done, type PodStep, type StepResult } from '../pod-context.ts';
import { runnable } from '../runnable.ts';

/**
 * Gives the pod into the provider's hands, once in the life of this process: one that runs already is taken over. What
 * has changed in its spec while nobody was there to see it is left to the update that follows.
 *
 * What was observed of it before is forgotten: a provider that does not have the pod's spec yet sees that its containers
 * have stopped, and cannot know that they are to be started again.
 */
export async function start({ context, tracked, pod, signal }: PodStep): Promise<StepResult> {
  const isTakenOver = tracked.observed !== undefined;
  tracked.isTouched = true;
  tracked.observed = undefined;
  const result = await attempt(context, tracked, {
    operation: 'create',
    signal,
    call: () => context.provider.createPod(runnable(pod, context.provider), { signal }),
  });
  switch (result.kind) {
    case 'again':
      return result;
    case 'refused':
      tracked.verdict = { reason: result.reason, message: result.message, state: 'waiting', mayPass: false };
      return done;
    case 'succeeded':
      tracked.isInHand = true;
      tracked.told = isTakenOver ? undefined : pod;
      return done;
  }
}
