import type { Pod, PodRef } from '../kubernetes/objects.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';

/** Why a pod cannot run here: `reason` is one CamelCase word. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
  /** `waiting`: its failure is held back, lest its controller makes another one at once. */
  readonly state: 'waiting' | 'failed';
  /** It is for want of room or of a label: while it waits, it is looked at again. */
  readonly mayPass: boolean;
}

export type PodOperation = 'create' | 'update' | 'delete' | 'release';

/** The provider could not do something; it is tried again. */
export interface OperationFailure {
  readonly operation: PodOperation;
  readonly reason: string;
  readonly message: string;
  /** Failures of this operation in a row. */
  readonly count: number;
  readonly retryAtMs: number;
}

/** How the provider was asked to end a pod. */
export interface EndRequest {
  /** The whole grace period that was asked for. */
  readonly gracePeriodSeconds: number;
  /** If it has not ended by then, it is asked again. */
  readonly askAgainAtMs: number;
}

/**
 * What this process knows and has done about one pod, by its UID. Nothing of it outlives the process: the API server and
 * the provider tell it anew.
 */
export interface TrackedPod {
  readonly ref: PodRef;
  /** The newest that the provider has pushed. */
  observed: ObservedPod | undefined;
  /** The provider has been asked to create it, by this process: something of it may be there. */
  isTouched: boolean;
  /** The provider has answered that it has it in hand, to this process. */
  isInHand: boolean;
  /** The pod as the provider was last told of it; undefined where it may know an older one. */
  told: Pod | undefined;
  verdict: Verdict | undefined;
  failure: OperationFailure | undefined;
  end: EndRequest | undefined;
  /** The provider has nothing of it: never had, or has lost it. */
  isNothingLeft: boolean;
  /** Its object has been deleted by us and is not yet seen to be gone. */
  isFinished: boolean;
  /** Of its spec, for when its object is gone. */
  gracePeriodSeconds: number;
  /** What our last status write gave, until the store has caught up with the version that it replaced. */
  written: { readonly replaced: string | undefined; readonly pod: Pod } | undefined;
}

/** kubelet's for pods of which it knows no spec (`HandlePodCleanups`), and the least it gives any pod. */
export const leastGracePeriodSeconds = 1;

export function trackPod(ref: PodRef): TrackedPod {
  return {
    ref,
    observed: undefined,
    isTouched: false,
    isInHand: false,
    told: undefined,
    verdict: undefined,
    failure: undefined,
    end: undefined,
    isNothingLeft: false,
    isFinished: false,
    gracePeriodSeconds: leastGracePeriodSeconds,
    written: undefined,
  };
}

/** Whether no container of the pod runs or will run. */
export function hasEnded(tracked: TrackedPod): boolean {
  return tracked.observed?.ended ?? tracked.isNothingLeft;
}
