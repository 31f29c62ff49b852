import type { Pod } from '../../kubernetes/objects.ts';
import { type NodeRefusal, nodeRefusal } from '../../podspec/admission/node-refusal.ts';
import { refusalMessage, refusals } from '../../podspec/features/refusals.ts';
import { isTerminalPhase } from '../../podspec/status/phase.ts';
import type { PodContext, PodStep, StepResult } from '../pod-context.ts';
import { hasEnded, type TrackedPod } from '../tracked-pod.ts';

export type Admission =
  | { readonly kind: 'admitted' }
  /** `tracked.verdict` says why. */
  | { readonly kind: 'refused' }
  /** It cannot be said yet. */
  | Extract<StepResult, { kind: 'again' }>;

const admitted: Admission = { kind: 'admitted' };
const refused: Admission = { kind: 'refused' };

/** No kubelet has a word for this: a kubelet honours every field. */
const unsupported = 'UnsupportedPodSpec';
/** The node is registered a moment after we start. */
const unknownNodeRetryMs = 500;

/**
 * Whether the pod is to run: the provider can run it as its spec says, and the node has room for it and is one that the
 * pod allows. A pod that is not is judged, once, with a reason. One that the provider has already, or that has run
 * before we were started, goes on, whatever has become of the node.
 */
export async function admit(step: PodStep): Promise<Admission> {
  const { context, tracked, pod } = step;
  const { verdict } = tracked;
  if (verdict !== undefined && !mayPass(tracked)) return refused;
  const isProviders = tracked.isTouched || tracked.observed !== undefined;
  const why = isProviders || verdict !== undefined ? undefined : whyUnsupported(context, pod);
  if (why !== undefined) {
    judge(step, { reason: unsupported, message: why, told: why, mayPass: false });
    return refused;
  }
  const { uid } = tracked.ref;
  if (context.claims.has(uid)) return admitted;
  if (!wasAdmitted(pod, tracked)) return admitToNode(step);
  if (!hasEnded(tracked)) context.claims.put(uid, pod);
  return admitted;
}

/** Whether an earlier process of ours let the pod in, or this one, and it takes of the node until it ends. */
export function takesOfNode(pod: Pod, tracked: TrackedPod | undefined): boolean {
  if (isTerminalPhase(pod.status?.phase) || (tracked !== undefined && hasEnded(tracked))) return false;
  return wasAdmitted(pod, tracked);
}

function wasAdmitted(pod: Pod, tracked: TrackedPod | undefined): boolean {
  return tracked?.isTouched === true || tracked?.observed !== undefined || pod.status?.phase === 'Running';
}

/** Who made the pod and would make another one in its place. */
export function controllerOf(pod: Pod): { readonly kind: string; readonly uid: string } | undefined {
  return pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

function mayPass({ verdict }: TrackedPod): boolean {
  return verdict?.state === 'waiting' && verdict.mayPass;
}

function whyUnsupported({ provider }: PodContext, pod: Pod): string | undefined {
  const all = [...refusals(pod, provider.capabilities), ...(provider.refusals?.(pod) ?? [])];
  return all.length === 0 ? undefined : refusalMessage(all);
}

/** What we know of the node may be older than the pod, so the API server is asked before a pod is refused. */
async function admitToNode(step: PodStep): Promise<Admission> {
  const { context, tracked, pod, signal } = step;
  let node = context.node.current();
  for (let isNew = false; ; isNew = true) {
    // Without a list of what there is nothing is known to be lacking: the provider has not described itself yet.
    if (node?.status?.allocatable === undefined) return { kind: 'again', retryAfterMs: unknownNodeRetryMs };
    const refusal = nodeRefusal(pod, node, context.claims);
    if (refusal === undefined) {
      context.claims.put(tracked.ref.uid, pod);
      tracked.verdict = undefined;
      return admitted;
    }
    // Said before, and looked at again since room may have been made.
    if (tracked.verdict !== undefined) return refused;
    if (isNew) {
      judge(step, { ...rejected(refusal), mayPass: true });
      return refused;
    }
    node = await context.node.read({ signal });
  }
}

/** kubelet's words: its event has the message alone. */
function rejected({ reason, message }: NodeRefusal): { reason: string; message: string; told: string } {
  return { reason, message: `Pod was rejected: ${message}`, told: message };
}

interface Judgement {
  readonly reason: string;
  readonly message: string;
  /** What the event says. */
  readonly told: string;
  readonly mayPass: boolean;
}

function judge({ context, tracked }: PodStep, { reason, message, told, mayPass }: Judgement): void {
  tracked.verdict = { reason, message, state: 'waiting', mayPass };
  context.recordEvent({ pod: tracked.ref, type: 'Warning', reason, message: told });
  context.log.warn('The pod cannot be run here', { ...tracked.ref, reason, why: told });
}
