import { EventEmitter, once } from 'node:events';
import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type {
  LogRequest,
  NodeOffer,
  OperationOptions,
  Provider,
  ProviderContext,
  RunOptions,
} from '../../provider/provider.ts';
import type { Usage } from '../../provider/usage.ts';
import { DelayedKeys } from '../../queue/delayed-keys.ts';
import { aborted } from '../../support/abort.ts';
import { CodedError } from '../../support/errors.ts';
import { PodAddresses } from './addresses.ts';
import { capabilities } from './capabilities.ts';
import { type MemoryConfig, readMemoryConfig } from './config.ts';
import { checkEnvironments } from './environments.ts';
import { changedContainer, containersOf, endedPod, runningPod } from './states.ts';
import { type AssumedUse, assumedUse, podUsage } from './usage.ts';

export { capabilities } from './capabilities.ts';

export async function createProvider(context: ProviderContext): Promise<Provider> {
  return new MemoryProvider(context, await readMemoryConfig(context.configFile, context.nodeName));
}

/** In Go's words, which are OCI's and the node label's. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

interface MemoryPod {
  readonly observed: ObservedPod;
  /** Of its observed containers, in their order; each since it was started, so that what is used never falls. */
  readonly uses: readonly AssumedUse[];
}

/**
 * Pods that are not real, for scale and for tests: each runs at once and until it is told to end. One map and one timer
 * for all. Nothing outlives the process; a new one runs the pods again that the API server still has.
 */
class MemoryProvider implements Provider {
  readonly name = 'memory';
  readonly capabilities = capabilities;
  readonly #context: ProviderContext;
  readonly #config: MemoryConfig;
  readonly #pods = new Map<string, MemoryPod>();
  /** Tells the UID of each pod that has changed to who follows its logs. */
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #addresses = new PodAddresses();
  readonly #deadlines: DelayedKeys;
  #observe: RunOptions['observe'] | undefined;

  constructor(context: ProviderContext, config: MemoryConfig) {
    this.#context = context;
    this.#config = config;
    this.#deadlines = new DelayedKeys(context.clock, (uid) => this.#exceedDeadline(uid));
  }

  async describeNode(): Promise<NodeOffer> {
    const { cpu, memory, pods, others, providerID } = this.#config;
    return {
      capacity: { cpu, memory, pods, storage: memory, 'ephemeral-storage': memory, ...others },
      architecture: architectures[process.arch] ?? process.arch,
      containerRuntimeVersion: `memory://${process.versions.node}`,
      operatingSystem: this.#context.operatingSystem,
      ...(providerID === undefined ? {} : { providerId: providerID }),
    };
  }

  async ping(): Promise<void> {}

  async run({ signal, observe }: RunOptions): Promise<void> {
    this.#observe = observe;
    for (const { observed } of this.#pods.values()) observe(observed);
    await aborted(signal);
    this.#observe = undefined;
    this.#deadlines.clear();
  }

  async createPod(pod: Pod, options: OperationOptions): Promise<void> {
    const { uid } = podRef(pod);
    const known = this.#pods.get(uid);
    if (known !== undefined) {
      this.#observe?.(known.observed);
      return;
    }
    const { references, recordEvent, nodeIp, clock } = this.#context;
    const { cpu, memory } = this.#config;
    const nodeAllocatable = { cpu, memory, 'ephemeral-storage': memory };
    await checkEnvironments(pod, { references, recordEvent, hostIps: [nodeIp], nodeAllocatable }, options);
    const podIp = pod.spec?.hostNetwork ? nodeIp : this.#addresses.take(uid, pod.status?.podIP ?? undefined);
    this.#keep(runningPod(pod, { podIp, nowMs: clock.now() }), containersOf(pod).map(assumedUse));
    this.#watchDeadline(pod);
  }

  async updatePod(pod: Pod): Promise<void> {
    const present = this.#get(podRef(pod));
    if (present.observed.ended) return;
    const [podIp = ''] = present.observed.podIps;
    const nowMs = this.#context.clock.now();
    const renewed = runningPod(pod, { podIp, nowMs });
    const uses = containersOf(pod).map(assumedUse);
    const indexes = new Map(present.observed.containers.map(({ name }, index) => [name, index]));
    const containers = renewed.containers.map((container, index) => {
      const known = indexes.get(container.name) ?? -1;
      const before = present.observed.containers[known];
      if (before === undefined) return container;
      const after = changedContainer(before, container, nowMs);
      const use = present.uses[known];
      if (after === before && use !== undefined) uses[index] = use;
      return after;
    });
    this.#keep({ ...renewed, containers }, uses);
    this.#watchDeadline(pod);
  }

  async deletePod(pod: PodRef): Promise<void> {
    const { observed, uses } = this.#get(pod);
    this.#keep(endedPod(observed, { exitCode: 0, nowMs: this.#context.clock.now() }), uses);
  }

  async releasePod({ uid }: PodRef): Promise<void> {
    for (const podIp of this.#pods.get(uid)?.observed.podIps ?? []) this.#addresses.free(podIp);
    this.#pods.delete(uid);
    this.#changes.emit(uid);
  }

  async listPods(): Promise<readonly ObservedPod[]> {
    return Array.from(this.#pods.values(), ({ observed }) => observed);
  }

  async usage(): Promise<Usage> {
    const nowMs = this.#context.clock.now();
    const running = [...this.#pods.values()].filter(({ observed }) => !observed.ended);
    return { pods: running.map(({ observed, uses }) => podUsage(observed, { uses, nowMs })) };
  }

  /** Nothing runs, so nothing is logged: as of a container that is silent. Who follows it hears when it ends. */
  async logs({ pod, container, follow }: LogRequest, { signal }: OperationOptions): Promise<AsyncIterable<Uint8Array>> {
    const { observed } = this.#get(pod);
    if (!observed.containers.some(({ name }) => name === container)) {
      throw new CodedError('NotFound', `pod ${pod.namespace}/${pod.name} has no container ${container}`);
    }
    return silence(follow ? this.#untilEnded(pod.uid, container, signal) : undefined);
  }

  /** Until the present attempt of the container has ended. */
  async #untilEnded(uid: string, container: string, signal: AbortSignal): Promise<void> {
    const startedAtMs = this.#runningSinceMs(uid, container);
    while (startedAtMs !== undefined && this.#runningSinceMs(uid, container) === startedAtMs) {
      await once(this.#changes, uid, { signal });
    }
  }

  #runningSinceMs(uid: string, container: string): number | undefined {
    const state = this.#pods.get(uid)?.observed.containers.find(({ name }) => name === container)?.state;
    return state?.kind === 'running' ? state.startedAtMs : undefined;
  }

  #get({ namespace, name, uid }: PodRef): MemoryPod {
    const pod = this.#pods.get(uid);
    if (pod === undefined) throw new CodedError('NotFound', `pod ${namespace}/${name} (${uid}) is not in memory`);
    return pod;
  }

  #keep(observed: ObservedPod, uses: readonly AssumedUse[]): void {
    const { uid } = observed.ref;
    this.#pods.set(uid, { observed, uses });
    this.#observe?.(observed);
    this.#changes.emit(uid);
  }

  #watchDeadline(pod: Pod): void {
    const { activeDeadlineSeconds } = pod.spec ?? {};
    if (activeDeadlineSeconds === undefined) return;
    const nowMs = this.#context.clock.now();
    const startedAtMs = Date.parse(pod.status?.startTime ?? '') || nowMs;
    this.#deadlines.add(podRef(pod).uid, Math.max(startedAtMs + activeDeadlineSeconds * 1000 - nowMs, 0));
  }

  #exceedDeadline(uid: string): void {
    const pod = this.#pods.get(uid);
    if (pod === undefined || pod.observed.ended) return;
    const failure = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    this.#keep(endedPod(pod.observed, { exitCode: 137, nowMs: this.#context.clock.now(), failure }), pod.uses);
  }
}

async function* silence(end: Promise<void> | undefined): AsyncGenerator<Uint8Array> {
  await end;
  yield* [];
}
