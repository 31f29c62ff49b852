import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { NodeOffer, Provider, ProviderContext, RunOptions } from '../../provider/provider.ts';
import { DelayedKeys } from '../../queue/delayed-keys.ts';
import { aborted } from '../../support/abort.ts';
import { CodedError } from '../../support/errors.ts';
import { PodAddresses } from './addresses.ts';
import { capabilities } from './capabilities.ts';
import { type MemoryConfig, readMemoryConfig } from './config.ts';
import { changedContainer, endedPod, runningPod } from './states.ts';

export { capabilities } from './capabilities.ts';

export async function createProvider(context: ProviderContext): Promise<Provider> {
  return new MemoryProvider(context, await readMemoryConfig(context.configFile, context.nodeName));
}

/** In Go's words, which are OCI's and the node label's. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/**
 * Pods that are not real, for scale and for tests: each runs at once and until it is told to end. One map and one timer
 * for all. Nothing outlives the process; a new one runs the pods again that the API server still has.
 */
class MemoryProvider implements Provider {
  readonly name = 'memory';
  readonly capabilities = capabilities;
  readonly #context: ProviderContext;
  readonly #config: MemoryConfig;
  readonly #pods = new Map<string, ObservedPod>();
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
    for (const pod of this.#pods.values()) observe(pod);
    await aborted(signal);
    this.#observe = undefined;
    this.#deadlines.clear();
  }

  async createPod(pod: Pod): Promise<void> {
    const { uid } = podRef(pod);
    const known = this.#pods.get(uid);
    if (known !== undefined) {
      this.#observe?.(known);
      return;
    }
    const podIp = pod.spec?.hostNetwork
      ? this.#context.nodeIp
      : this.#addresses.take(uid, pod.status?.podIP ?? undefined);
    this.#keep(runningPod(pod, { podIp, nowMs: this.#context.clock.now() }));
    this.#watchDeadline(pod);
  }

  async updatePod(pod: Pod): Promise<void> {
    const present = this.#get(podRef(pod));
    if (present.ended) return;
    const [podIp = ''] = present.podIps;
    const nowMs = this.#context.clock.now();
    const renewed = runningPod(pod, { podIp, nowMs });
    const known = new Map(present.containers.map((container) => [container.name, container]));
    const containers = renewed.containers.map((container) => {
      const before = known.get(container.name);
      return before === undefined ? container : changedContainer(before, container, nowMs);
    });
    this.#keep({ ...renewed, containers });
    this.#watchDeadline(pod);
  }

  async deletePod(pod: PodRef): Promise<void> {
    this.#keep(endedPod(this.#get(pod), { exitCode: 0, nowMs: this.#context.clock.now() }));
  }

  async releasePod({ uid }: PodRef): Promise<void> {
    for (const podIp of this.#pods.get(uid)?.podIps ?? []) this.#addresses.free(podIp);
    this.#pods.delete(uid);
  }

  async listPods(): Promise<readonly ObservedPod[]> {
    return [...this.#pods.values()];
  }

  #get({ namespace, name, uid }: PodRef): ObservedPod {
    const pod = this.#pods.get(uid);
    if (pod === undefined) throw new CodedError('NotFound', `pod ${namespace}/${name} (${uid}) is not in memory`);
    return pod;
  }

  #keep(pod: ObservedPod): void {
    this.#pods.set(pod.ref.uid, pod);
    this.#observe?.(pod);
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
    if (pod === undefined || pod.ended) return;
    const failure = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    this.#keep(endedPod(pod, { exitCode: 137, nowMs: this.#context.clock.now(), failure }));
  }
}
