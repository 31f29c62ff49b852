import type { ApiClient } from '../apiserver/client.ts';
import type { InformerHandler } from '../apiserver/informer.ts';
import type { ReadonlyStore } from '../apiserver/store.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { NodeClaims } from '../podspec/admission/node-claims.ts';
import type { RecordPodEvent } from '../podspec/pod-events.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import type { Provider } from '../provider/provider.ts';
import { Backoff, jitteredBackoffDelayMs } from '../queue/backoff.ts';
import { type ProcessResult, WorkQueue } from '../queue/work-queue.ts';
import { aborted } from '../support/abort.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { NodeSource, PodContext } from './pod-context.ts';
import { PodTracker } from './pod-tracker.ts';
import { reconcilePod } from './reconcile-pod.ts';
import { RefusalPacer } from './refusal-pacer.ts';
import { StatusWriter } from './status-writer.ts';
import { takesOfNode } from './steps/admit.ts';
import { writeStatus } from './steps/write-status.ts';

/** The pods bound to the node: an `Informer` of pods with field selector `spec.nodeName=<node>`. */
export interface PodInformer {
  readonly store: ReadonlyStore<Pod>;
  readonly synced: Promise<void>;
  addHandler(handler: InformerHandler<Pod>): void;
}

export interface PodControllerOptions {
  readonly nodeName: string;
  readonly node: NodeSource;
  /** The node's addresses; the first is the pods' `hostIP`. */
  readonly hostIps: readonly string[];
  /** Run by the caller, who also ends it. */
  readonly pods: PodInformer;
  readonly client: ApiClient;
  readonly provider: Provider;
  readonly recordEvent: RecordPodEvent;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Pods reconciled at the same time. */
  readonly workers: number;
  /** How often each pod is looked at though nothing was heard of it, in milliseconds; 0 for never. */
  readonly resyncPeriodMs: number;
}

export interface RunPodControllerOptions {
  readonly signal: AbortSignal;
  /** Called once the pods are known, those that an earlier process left included, and work begins. */
  readonly onReady?: () => void;
}

/** What is under way when the signal aborts may take so long, the flush of statuses included. */
const drainTimeoutMs = 10_000;
const retryRange = { baseMs: 500, capMs: 30_000 };

/**
 * Runs the node's pods on the provider and tells the API server what comes of them. What the kubelet API needs to know of
 * pods is read here.
 */
export class PodController {
  readonly #options: PodControllerOptions;
  readonly #context: PodContext;
  readonly #tracker = new PodTracker();
  readonly #queue: WorkQueue;

  constructor(options: PodControllerOptions) {
    this.#options = options;
    const { nodeName, node, hostIps, pods, provider, client, recordEvent, clock, random, log } = options;
    const statusWriter = new StatusWriter(client);
    const shared = { nodeName, node, hostIps, provider, recordEvent, clock, random, log };
    this.#context = {
      ...shared,
      store: pods.store,
      tracker: this.#tracker,
      claims: new NodeClaims(),
      statusWriter,
      pacer: new RefusalPacer(clock),
    };
    this.#queue = new WorkQueue({
      clock,
      backoff: new Backoff(retryRange, { clock, random }),
      onError: (uid, error, retryAfterMs) => {
        log.warn('A pod could not be brought up to date', { ...this.#tracker.get(uid)?.ref, error, retryAfterMs });
      },
    });
  }

  podByName(namespace: string, name: string): Pod | undefined {
    return this.#options.pods.store.get({ namespace, name });
  }

  pods(): Iterable<Pod> {
    return this.#options.pods.store.values();
  }

  observed(uid: string): ObservedPod | undefined {
    return this.#tracker.get(uid)?.observed;
  }

  /** Pods that the provider runs. */
  get runningPods(): number {
    return [...this.#tracker.values()].filter(({ observed }) => observed?.ended === false).length;
  }

  /** The provider was away and is back: what failed meanwhile is tried again now. */
  retryFailed(): void {
    for (const tracked of this.#tracker.values()) {
      const { ref, failure } = tracked;
      if (failure === undefined) continue;
      tracked.failure = { ...failure, retryAtMs: this.#options.clock.now() };
      this.#queue.add(ref.uid);
    }
  }

  /**
   * Works until the signal aborts. Then takes up nothing new, lets what is under way finish, writes the statuses that are
   * still unwritten and resolves, within about 10 s; the pods stay as they are. A failure of the provider to say which
   * pods it has is waited out: without knowing, nothing is started or ended.
   */
  async run({ signal, onReady }: RunPodControllerOptions): Promise<void> {
    const { pods, workers, clock } = this.#options;
    // Both outlive `signal`: the first what is under way, the second what comes of that.
    const work = new AbortController();
    const observation = new AbortController();
    let deadline: Timer | undefined;
    const setDeadline = (): void => {
      const reason = new CodedError('Timeout', 'no time is left before the end');
      deadline = clock.after(drainTimeoutMs, () => work.abort(reason));
    };
    signal.addEventListener('abort', setDeadline, { once: true });
    const observing = this.#observe(observation.signal);
    if (await this.#recover(signal)) {
      const enqueue = ({ metadata }: Pod): void => this.#queue.add(metadata?.uid ?? '');
      const deleted = (pod: Pod): void => {
        // Now, though the pod is in the hands of a worker: what is bound in its place may be next.
        this.#context.claims.remove(pod.metadata?.uid ?? '');
        enqueue(pod);
      };
      const recovered = (): void => this.#queue.retryFailed();
      this.#claimAdmitted();
      pods.addHandler({ added: enqueue, updated: enqueue, deleted, recovered });
      onReady?.();
      const process = (uid: string) => this.#reconcile(uid, work.signal);
      const working = Promise.all([this.#queue.run({ workers, signal, process }), this.#resync(signal)]);
      await Promise.race([working, aborted(work.signal)]);
    }
    observation.abort(signal.reason);
    await Promise.race([observing, aborted(work.signal)]);
    await this.#flush(work.signal);
    deadline?.cancel();
  }

  /** Takes in what the provider pushes, until the signal aborts; a provider that stops before is started again. */
  async #observe(signal: AbortSignal): Promise<void> {
    const { provider, log } = this.#options;
    const observe = (pod: ObservedPod): void => {
      this.#tracker.observe(pod);
      this.#queue.add(pod.ref.uid);
    };
    await this.#untilDone(signal, async () => {
      try {
        await provider.run({ signal, observe });
        return signal.aborted;
      } catch (error) {
        if (!signal.aborted) log.error('The provider has stopped to watch its pods; starting it again', { error });
        return false;
      }
    });
  }

  /** Learns which pods there are: the API server's, and the provider's from before. False where the end came first. */
  async #recover(signal: AbortSignal): Promise<boolean> {
    const { pods, provider, log } = this.#options;
    try {
      await pods.synced;
    } catch (error) {
      if (!signal.aborted) throw error;
      return false;
    }
    return this.#untilDone(signal, async () => {
      try {
        for (const found of await provider.listPods({ signal })) {
          // What the provider has pushed meanwhile is newer.
          if (this.#tracker.get(found.ref.uid)?.observed === undefined) this.#tracker.observe(found);
          this.#queue.add(found.ref.uid);
        }
        return true;
      } catch (error) {
        if (!signal.aborted) log.warn('The provider cannot tell which pods it has; waiting for it', { error });
        return false;
      }
    });
  }

  /** Pods that were let in before us come first, in whatever order all are looked at. */
  #claimAdmitted(): void {
    for (const pod of this.#options.pods.store.values()) {
      const uid = pod.metadata?.uid ?? '';
      if (takesOfNode(pod, this.#tracker.get(uid))) this.#context.claims.put(uid, pod);
    }
  }

  /** Repeats `work` with growing pauses until it gives true; false where the signal aborts first. */
  async #untilDone(signal: AbortSignal, work: () => Promise<boolean>): Promise<boolean> {
    const { clock, random } = this.#options;
    for (let attempts = 0; !signal.aborted; attempts++) {
      if (await work()) return true;
      try {
        await clock.sleep(jitteredBackoffDelayMs(attempts, retryRange, random), { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
    return false;
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<ProcessResult> {
    const result = await reconcilePod(this.#context, uid, { signal });
    return result.kind === 'again' ? { retryAfterMs: result.retryAfterMs } : {};
  }

  async #resync(signal: AbortSignal): Promise<void> {
    const { clock, resyncPeriodMs } = this.#options;
    if (resyncPeriodMs === 0) return;
    try {
      for (;;) {
        await clock.sleep(resyncPeriodMs, { signal });
        for (const { ref } of this.#tracker.values()) this.#queue.add(ref.uid);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Writes what was observed last and is in no status yet. What cannot be written now is seen again after a restart. */
  async #flush(signal: AbortSignal): Promise<void> {
    const { pods, workers, log } = this.#options;
    const uids = this.#tracker.unsaved.values();
    const writeSome = async (): Promise<void> => {
      for (const uid of uids) {
        const [pod, tracked] = [pods.store.byUid(uid), this.#tracker.get(uid)];
        if (signal.aborted || pod === undefined || tracked === undefined) continue;
        try {
          await writeStatus({ context: this.#context, tracked, pod, signal });
        } catch (error) {
          log.warn('The last status of a pod could not be written', { ...tracked.ref, error });
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, writeSome));
  }
}
