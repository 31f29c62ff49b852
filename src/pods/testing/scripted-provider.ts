import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { type Capabilities, type FeatureId, featureIds, type Support } from '../../podspec/features/feature.ts';
import type { ObservedContainer, ObservedPod, ObservedState } from '../../podspec/status/observed.ts';
import type { DeletePodOptions, NodeOffer, Provider, RunOptions } from '../../provider/provider.ts';
import { aborted } from '../../support/abort.ts';
import { CodedError } from '../../support/errors.ts';

const startedAtMs = Date.parse('2026-01-01T00:00:00Z');

/** Honours everything but the features named. */
export function capabilitiesWithout(...refused: readonly FeatureId[]): Capabilities {
  const support = (feature: FeatureId): Support =>
    refused.includes(feature) ? { kind: 'refused', why: `there is no ${feature} here` } : { kind: 'honoured' };
  return Object.fromEntries(featureIds.map((feature) => [feature, support(feature)])) as Capabilities;
}

/** A provider whose pods do what the test says, when it says so. */
export class ScriptedProvider implements Provider {
  readonly name = 'scripted';
  readonly capabilities: Capabilities;
  /** What it cannot do of a pod beside them. */
  refusals: Provider['refusals'];
  /** What the backend has, as it is after a crash of ours. */
  readonly pods = new Map<string, ObservedPod>();
  readonly deletions: { readonly pod: PodRef; readonly gracePeriodSeconds: number }[] = [];
  readonly updates: Pod[] = [];
  /** Each pod runs as soon as it is created. */
  startsAtOnce = true;
  #observe: RunOptions['observe'] = () => {};

  constructor(...refused: readonly FeatureId[]) {
    this.capabilities = capabilitiesWithout(...refused);
  }

  async describeNode(): Promise<NodeOffer> {
    return { capacity: {}, architecture: 'amd64', containerRuntimeVersion: 'scripted://1' };
  }

  async ping(): Promise<void> {}

  async run({ signal, observe }: RunOptions): Promise<void> {
    this.#observe = observe;
    await aborted(signal);
    this.#observe = () => {};
  }

  async createPod(pod: Pod): Promise<void> {
    const ref = podRef(pod);
    const known = this.pods.get(ref.uid);
    if (known !== undefined) this.push(known);
    else if (this.startsAtOnce) this.push(observedPod(pod, { kind: 'running', startedAtMs }));
    else this.push(observedPod(pod, { kind: 'waiting', reason: 'ContainerCreating' }));
  }

  async updatePod(pod: Pod): Promise<void> {
    this.updates.push(pod);
  }

  async deletePod(pod: PodRef, { gracePeriodSeconds }: DeletePodOptions): Promise<void> {
    if (!this.pods.has(pod.uid)) throw new CodedError('NotFound', `there is no ${pod.name}`);
    this.deletions.push({ pod, gracePeriodSeconds });
  }

  async releasePod({ uid }: PodRef): Promise<void> {
    this.pods.delete(uid);
  }

  async listPods(): Promise<readonly ObservedPod[]> {
    return [...this.pods.values()];
  }

  /** The backend has come to this. */
  push(pod: ObservedPod): void {
    this.pods.set(pod.ref.uid, pod);
    this.#observe(pod);
  }

  /** All containers of the pod end with this code, and none is started again. */
  finish(pod: Pod, exitCode: number): void {
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const finishedAtMs = startedAtMs + 1000;
    const state: ObservedState = { kind: 'terminated', exitCode, reason, startedAtMs, finishedAtMs };
    this.push({ ...observedPod(pod, state), sandboxReady: false, ended: true });
  }
}

/** The pod with all its containers in one state. */
export function observedPod(pod: Pod, state: ObservedState): ObservedPod {
  const isRunning = state.kind === 'running';
  return {
    ref: podRef(pod),
    sandboxReady: isRunning,
    podIps: isRunning ? ['10.1.0.1'] : [],
    containers: (pod.spec?.containers ?? []).map(
      ({ name, image = '' }): ObservedContainer => ({
        name,
        state,
        restartCount: 0,
        started: isRunning,
        ready: isRunning,
        image,
        imageId: isRunning ? `scripted://${image}` : '',
        ...(isRunning && { containerId: `scripted://${podRef(pod).uid}-${name}` }),
      }),
    ),
    ended: false,
  };
}
