import { type Pod, type PodRef, podRef } from '../kubernetes/objects.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import { Backoff } from '../queue/backoff.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import { CodedError, messageOf } from '../support/errors.ts';
import { memoryFolder, notedEviction, notedPod, podFolders } from './disk/pod-folder.ts';
import { hasStorageLimits } from './disk/storage-limits.ts';
import { EffectKit } from './effects/effect-kit.ts';
import type { EngineContext } from './engine-context.ts';
import { ImagePuller } from './images/image-puller.ts';
import { chooseLog } from './log-source.ts';
import { type LogLimits, LogRotation } from './logs/log-rotation.ts';
import type { LogSize } from './logs/log-sizes.ts';
import { type ReadLogOptions, readLog } from './logs/read-log.ts';
import type { ActualPod } from './pod/actual-pod.ts';
import { podFromContainers } from './pod/found-pod.ts';
import { ownedBy } from './pod/labels.ts';
import { PodMemory } from './pod/pod-memory.ts';
import { PodStorage } from './pod-storage.ts';
import type { ProbeTally } from './prober/probe-counts.ts';
import { Prober } from './prober/prober.ts';
import { removePod } from './release-pod.ts';
import { RuntimeView } from './runtime-view.ts';
import { Slots } from './slots.ts';
import { type Look, type LookTools, lookAt, pushIfChanged, syncPod } from './sync-pod.ts';
import { Waiters } from './waiters.ts';
import { watchRuntime } from './watch-runtime.ts';

export interface EngineLimits {
  /** Pods looked at at the same time. */
  readonly workers: number;
  /** Images pulled at the same time. */
  readonly parallelPulls: number;
  /** Sandboxes and containers made and started at the same time. */
  readonly parallelStarts: number;
  /** How often everything is listed although nothing was heard, in milliseconds. */
  readonly resyncMs: number;
  /** Of the log of each container. */
  readonly logs: LogLimits;
}

export interface EngineRunOptions {
  readonly signal: AbortSignal;
  /** Takes each new state of a pod, whole. Never throws and never waits. */
  readonly observe: (pod: ObservedPod) => void;
}

interface CallOptions {
  readonly signal: AbortSignal;
}

export interface EngineLogRequest extends Omit<ReadLogOptions, 'follow' | 'recycle' | 'signal'> {
  readonly container: string;
  readonly previous: boolean;
  readonly follow: boolean;
}

/** Of a pod whose look failed: the runtime did not answer. */
const lookBackoff = { baseMs: 250, capMs: 10_000 };
/** kubelet's for volumes: what is missing at first (a token's pod in a cache of the API server) comes soon. */
const mountBackoffRange = { baseMs: 500, capMs: 122_000 };
/** kubelet's for image pulls. */
const pullBackoffRange = { baseMs: 10_000, capMs: 300_000 };

/**
 * Runs pods on a container runtime. Level-based: each look at a pod compares what is wanted with what there is and
 * begins what is missing. What it needs to know stands on the runtime and on disk: another engine over the same two goes
 * on where this one was killed, and does nothing twice.
 */
export class Engine {
  readonly #context: EngineContext;
  readonly #limits: EngineLimits;
  readonly #pods = new Map<string, PodMemory>();
  readonly #view: RuntimeView;
  readonly #queue: WorkQueue;
  readonly #puller: ImagePuller;
  readonly #pullBackoff: Backoff;
  readonly #starts: Slots;
  readonly #prober: Prober;
  readonly #logRotation: LogRotation;
  readonly #storage: PodStorage;
  /** Who waits for a change of a pod, by UID. */
  readonly #waiters = new Waiters();
  #push: (pod: ObservedPod) => void = () => {};
  #isReachable = false;

  constructor(context: EngineContext, limits: EngineLimits) {
    const { runtime, owner, clock, random, log } = context;
    this.#context = context;
    this.#limits = limits;
    this.#view = new RuntimeView({ runtime, owner }, (uid) => this.#wake(uid));
    this.#puller = new ImagePuller({ runtime, clock, parallelPulls: limits.parallelPulls });
    this.#pullBackoff = new Backoff(pullBackoffRange, { clock, random });
    this.#starts = new Slots(limits.parallelStarts);
    this.#prober = new Prober({ context, wake: (uid) => this.#wake(uid) });
    this.#logRotation = new LogRotation({ runtime, limits: limits.logs, clock, log });
    this.#storage = new PodStorage({
      context,
      view: this.#view,
      pods: this.#pods,
      logSize: (container) => this.logSize(container),
      onEvicted: (uid) => this.#wake(uid),
    });
    this.#queue = new WorkQueue({
      clock,
      backoff: new Backoff(lookBackoff, { clock, random }),
      onError: (uid, error) => log.debug('a pod could not be looked at and is tried again', { uid, error }),
    });
  }

  /** Runs until the signal aborts; pods stay as they are then. To be called once. */
  async run({ signal, observe }: EngineRunOptions): Promise<void> {
    const { runtime, owner, clock, log } = this.#context;
    this.#push = observe;
    await this.#provideMemoryFolder();
    const kit = new EffectKit({
      context: this.#context,
      view: this.#view,
      prober: this.#prober,
      tools: { puller: this.#puller, starts: this.#starts },
      pullBackoff: this.#pullBackoff,
      mountBackoff: new Backoff(mountBackoffRange, { clock, random: this.#context.random }),
      wake: (uid) => this.#wake(uid),
      signal,
    });
    const process = async (uid: string): Promise<{ readonly retryAfterMs?: number }> => {
      const memory = this.#pods.get(uid);
      // Nobody knows what runs while the runtime does not answer: nothing is begun, and nothing declared dead.
      if (!memory || !this.#isReachable) return {};
      const result = await memory.exclusively(() => syncPod(kit, memory, observe));
      this.#waiters.wake(uid);
      return result;
    };
    this.#prober.start(signal);
    await Promise.all([
      this.#queue.run({ workers: this.#limits.workers, signal, process }),
      this.#logRotation.run(() => this.#view.runningContainers(), { signal }),
      this.#storage.run({ signal }),
      watchRuntime({
        runtime,
        filter: ownedBy(owner),
        view: this.#view,
        clock,
        log,
        resyncMs: this.#limits.resyncMs,
        onListed: async () => {
          const found = await this.#noteFound({ signal });
          const all = this.#isReachable ? found : [...this.#pods.keys()];
          this.#isReachable = true;
          for (const uid of all) this.#queue.add(uid);
        },
        onLost: () => {
          this.#isReachable = false;
        },
        signal,
      }),
    ]);
  }

  /** Takes the pod in hand. One that is there already is taken over as it is, and its state is told before this resolves. */
  async createPod(pod: Pod, options: CallOptions): Promise<void> {
    const { uid } = podRef(pod);
    const known = this.#pods.get(uid);
    const memory = known ?? this.#newMemory(pod);
    this.#pods.set(uid, memory);
    if (hasStorageLimits(pod)) memory.eviction ??= await notedEviction(this.#context.rootDir, uid);
    this.#takeInHand(memory, pod);
    if (!known) return;
    const { observed } = await this.#lookAt(memory, options);
    memory.pushed = undefined;
    pushIfChanged(memory, observed, this.#push);
  }

  /** Brings the pod to a changed spec or metadata. Rejects with `NotImplemented` for what needs a new container. */
  async updatePod(pod: Pod, _options: CallOptions): Promise<void> {
    const memory = this.#pods.get(podRef(pod).uid);
    if (!memory) throw new CodedError('NotFound', `pod ${podRef(pod).name} was never created`);
    const resized = resizedContainers(memory.pod, pod);
    this.#takeInHand(memory, pod);
    if (resized.length === 0) return;
    throw new CodedError(
      'NotImplemented',
      `resources of ${resized.join(', ')} change when the container starts anew: resizing in place is not supported`,
    );
  }

  /** Begins to end the pod; of several graces the one that is over first counts. `NotFound` where nothing is known of it. */
  async deletePod(
    ref: PodRef,
    { gracePeriodSeconds, signal }: CallOptions & { readonly gracePeriodSeconds: number },
  ): Promise<void> {
    const memory = await this.#find(ref, { signal });
    if (!memory) throw new CodedError('NotFound', `nothing is known of pod ${ref.namespace}/${ref.name} (${ref.uid})`);
    const deadlineMs = this.#context.clock.now() + gracePeriodSeconds * 1000;
    if (memory.deletion === undefined || deadlineMs < memory.deletion.deadlineMs) {
      memory.deletion = { graceSeconds: gracePeriodSeconds, deadlineMs };
    }
    this.#wake(ref.uid);
  }

  /** Removes all that is left of the pod, and ends it first where it still runs. Resolves where nothing is left. */
  async releasePod(ref: PodRef, { signal }: CallOptions): Promise<void> {
    const memory = await this.#find(ref, { signal });
    if (!memory) return;
    await memory.exclusively(() => removePod(this.#lookTools(signal), memory));
    if (this.#pods.get(ref.uid) === memory) this.#pods.delete(ref.uid);
    this.#waiters.wake(ref.uid);
  }

  /** All pods of this node and cluster of which there is anything. */
  async listPods(options: CallOptions): Promise<readonly ObservedPod[]> {
    await this.#findAll(options);
    const looks = [...this.#pods.values()].map(async (memory) => (await this.#lookAt(memory, options)).observed);
    return await Promise.all(looks);
  }

  /** What the runtime has of a pod, as far as is known; undefined for nothing. */
  actualPod(uid: string): ActualPod | undefined {
    return this.#view.get(uid);
  }

  /** The same of all pods. */
  actualPods(): readonly ActualPod[] {
    return this.#view.refs.flatMap(({ uid }) => this.#view.get(uid) ?? []);
  }

  /** How often probes have ended how. */
  probeCounts(): Iterable<ProbeTally> {
    return this.#prober.counts.all();
  }

  /** How large the log of a running container was at the last look of its rotation; undefined before the first. */
  logSize(container: string): LogSize | undefined {
    return this.#logRotation.sizes.of(container);
  }

  /** What running containers and volumes of pods hold on disk. */
  get storage(): Pick<PodStorage, 'layerSize' | 'volumeSizes'> {
    return this.#storage;
  }

  /** The log of a container, a chunk valid until the next is asked for; rejects with `NotFound` where there is none (yet). */
  async readLog(ref: PodRef, request: EngineLogRequest, { signal }: CallOptions): Promise<AsyncIterable<Uint8Array>> {
    const memory = await this.#find(ref, { signal });
    if (!memory) throw new CodedError('NotFound', `nothing is known of pod ${ref.namespace}/${ref.name} (${ref.uid})`);
    const id = chooseLog(await this.#lookAt(memory, { signal }), request);
    const path = await this.#context.runtime.logPath(id, { signal });
    const follow = {
      clock: this.#context.clock,
      hasEnded: () => !this.#isRunning(ref.uid, id),
      untilChanged: (options: CallOptions) => this.#waiters.wait(ref.uid, options),
    };
    return readLog(path, { ...request, follow: request.follow ? follow : undefined, recycle: true, signal });
  }

  #wake(uid: string): void {
    if (this.#pods.has(uid)) this.#queue.add(uid);
  }

  #takeInHand(memory: PodMemory, pod: Pod): void {
    if (memory.pod !== pod) memory.volumesDueAtMs = 0;
    memory.takeInHand(pod);
    this.#wake(memory.ref.uid);
  }

  #lookAt(memory: PodMemory, { signal }: CallOptions): Promise<Look> {
    return memory.exclusively(() => lookAt(this.#lookTools(signal), memory));
  }

  #lookTools(signal: AbortSignal): LookTools {
    return { context: this.#context, view: this.#view, prober: this.#prober, signal };
  }

  #newMemory(pod: Pod): PodMemory {
    return new PodMemory(pod, { nowMs: this.#context.clock.now(), probed: (id) => this.#prober.verdict(id) });
  }

  #isRunning(uid: string, id: string): boolean {
    const attempts = [...(this.#view.get(uid)?.attempts.values() ?? [])].flat();
    return attempts.find((attempt) => attempt.id === id)?.state.kind === 'running';
  }

  async #find(ref: PodRef, options: CallOptions): Promise<PodMemory | undefined> {
    if (!this.#pods.has(ref.uid)) await this.#findAll(options);
    return this.#pods.get(ref.uid);
  }

  /** Finds what an earlier process of ours left. */
  async #findAll(options: CallOptions): Promise<void> {
    await this.#view.relist(options);
    await this.#noteFound(options);
  }

  /** Gives the UIDs of pods that were not known before. */
  async #noteFound(options: CallOptions): Promise<readonly string[]> {
    const { rootDir, owner } = this.#context;
    const found: string[] = [];
    const note = (uid: string, pod: Pod | undefined): void => {
      if (pod === undefined || this.#pods.has(uid)) return;
      this.#pods.set(uid, this.#newMemory(pod));
      found.push(uid);
    };
    for (const uid of await podFolders(rootDir)) {
      if (!this.#pods.has(uid)) note(uid, await notedPod(rootDir, uid, owner));
    }
    for (const { uid } of this.#view.refs) {
      if (this.#pods.has(uid)) continue;
      await this.#view.refresh(uid, options);
      const actual = this.#view.get(uid);
      const isThere = actual && actual.sandboxes.length + actual.attempts.size > 0;
      note(uid, isThere ? podFromContainers(actual) : undefined);
    }
    return found;
  }

  async #provideMemoryFolder(): Promise<void> {
    const folder = memoryFolder(this.#context.rootDir);
    try {
      await this.#context.mounts.mountMemory(folder, { mode: 0o700 });
    } catch (error) {
      this.#context.log.warn('secrets of pods are kept on disk, as no memory can be mounted for them', {
        folder,
        why: messageOf(error),
      });
    }
  }
}

/** Names of containers whose resources differ. */
function resizedContainers(before: Pod, after: Pod): readonly string[] {
  const resources = (pod: Pod): Map<string, string> =>
    new Map((pod.spec?.containers ?? []).map(({ name, resources: own = {} }) => [name, JSON.stringify(own)]));
  const old = resources(before);
  return [...resources(after)].filter(([name, json]) => old.get(name) !== json).map(([name]) => name);
}
