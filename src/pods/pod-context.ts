import type { ReadonlyStore } from '../apiserver/store.ts';
import type { Node, Pod } from '../kubernetes/objects.ts';
import type { NodeClaims } from '../podspec/admission/node-claims.ts';
import type { RecordPodEvent } from '../podspec/pod-events.ts';
import type { Provider } from '../provider/provider.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { PodTracker } from './pod-tracker.ts';
import type { RefusalPacer } from './refusal-pacer.ts';
import type { StatusWriter } from './status-writer.ts';
import type { TrackedPod } from './tracked-pod.ts';

/** The object of the node that the pods are bound to. */
export interface NodeSource {
  /** As it was seen last, some seconds ago; undefined where it was never seen. */
  current(): Node | undefined;
  /** As the API server has it now; undefined where it has none. */
  read(options: { readonly signal: AbortSignal }): Promise<Node | undefined>;
}

/** What every step works with. */
export interface PodContext {
  readonly nodeName: string;
  /** The node's addresses; the first is `status.hostIP`. */
  readonly hostIps: readonly string[];
  /** The pods bound to this node, as the API server has them. */
  readonly store: ReadonlyStore<Pod>;
  readonly tracker: PodTracker;
  readonly node: NodeSource;
  /** What the pods that were admitted take of the node, until they have ended or their objects are gone. */
  readonly claims: NodeClaims;
  readonly provider: Provider;
  readonly statusWriter: StatusWriter;
  readonly pacer: RefusalPacer;
  readonly recordEvent: RecordPodEvent;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** One pod in the hands of a step. */
export interface PodStep {
  readonly context: PodContext;
  readonly tracked: TrackedPod;
  /** As the API server has it. */
  readonly pod: Pod;
  readonly signal: AbortSignal;
}

/** What a step leaves: nothing more to do now, or something to do later. */
export type StepResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly retryAfterMs: number };

export const done: StepResult = { kind: 'done' };
