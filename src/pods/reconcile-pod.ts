import type { Pod } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import { isTerminalPhase } from '../podspec/status/phase.ts';
import { done, type PodContext, type PodStep, type StepResult } from './pod-context.ts';
import { admit } from './steps/admit.ts';
import { dropMirror, isMirrorPod } from './steps/drop-mirror.ts';
import { end, graceOf, specGraceSeconds } from './steps/end.ts';
import { finish } from './steps/finish.ts';
import { refuse } from './steps/refuse.ts';
import { release } from './steps/release.ts';
import { start } from './steps/start.ts';
import { update } from './steps/update.ts';
import { writeStatus } from './steps/write-status.ts';
import { hasEnded, type TrackedPod } from './tracked-pod.ts';

/**
 * Brings the pod of this UID one step nearer to what the API server wants of it, and what the API server has nearer to
 * what the provider observes. Looks at the present only, so it may be called at any time, again and after a crash; not
 * twice at the same time for one pod.
 */
export async function reconcilePod(
  context: PodContext,
  uid: string,
  options: { readonly signal: AbortSignal },
): Promise<StepResult> {
  const { signal } = options;
  const stored = context.store.byUid(uid);
  if (stored === undefined) {
    context.claims.remove(uid);
    const tracked = context.tracker.get(uid);
    return tracked === undefined ? done : release(context, tracked, signal);
  }
  if (stored.spec?.nodeName !== context.nodeName) return done;
  if (isMirrorPod(stored)) {
    await dropMirror(context, stored, signal);
    return done;
  }
  const tracked = context.tracker.track(podRef(stored));
  const pod = newest(tracked, stored);
  tracked.gracePeriodSeconds = specGraceSeconds(pod);
  const step: PodStep = { context, tracked, pod, signal };
  const result = await act(step);
  // Before its status says so: whoever reads that may bind another pod in its place, as the scheduler does.
  if (hasEnded(tracked) || isTerminalPhase(pod.status?.phase)) context.claims.remove(uid);
  const written = await writeStatus(step);
  if (written !== undefined) await finish({ ...step, pod: written });
  return result;
}

/** What is to be asked of the provider. */
async function act(step: PodStep): Promise<StepResult> {
  const { context, tracked, pod, signal } = step;
  if (pod.metadata?.deletionTimestamp !== undefined) {
    return end(context, tracked, { ...graceOf(pod, context.clock.now()), signal });
  }
  // Its containers are kept, for their logs, until its object is deleted; none of them may run.
  if (isTerminalPhase(pod.status?.phase))
    return end(context, tracked, { gracePeriodSeconds: tracked.gracePeriodSeconds, signal });
  const admission = await admit(step);
  if (admission.kind === 'again') return admission;
  if (admission.kind === 'refused') return refuse(step);
  if (!tracked.isInHand) {
    const result = await start(step);
    if (tracked.verdict !== undefined) return refuse(step);
    if (!tracked.isInHand) return result;
  }
  return hasEnded(tracked) ? done : update(step);
}

/**
 * The pod as the API server has it, as far as we know: what our last status write gave, until the store has more than
 * the version which that replaced. Without this each write would be followed by a second one made from what is old.
 */
function newest(tracked: TrackedPod, stored: Pod): Pod {
  const { written } = tracked;
  if (written !== undefined && stored.metadata?.resourceVersion === written.replaced) return written.pod;
  tracked.written = undefined;
  return stored;
}
