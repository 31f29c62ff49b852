import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Container, Pod, PodSpec } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { FeatureId } from '../../podspec/features/feature.ts';
import { parseQuantity } from '../../podspec/resources/quantity.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import { hasCode } from '../../support/errors.ts';
import type { Provider } from '../provider.ts';
import { makePod, terminationOf } from './conformance-pods.ts';
import { RunningProvider } from './observations.ts';

/** What a provider brings to its tests: a backend of its own, and containers that mean something to it. */
export interface ProviderHarness {
  /** A provider over the backend, as a new process of ours makes it; another one stands for a restart. */
  createProvider(): Promise<Provider>;
  /** Runs until it is told to end. */
  longRunning(name: string): Container;
  /** Ends by itself with this code. Left out where nothing really runs; so are the two below. */
  readonly exiting?: (name: string, exitCode: number) => Container;
  /** Runs on when it is asked to end, until it is killed. Left out too where a backend has one grace period for all. */
  readonly stubborn?: (name: string) => Container;
  /** Writes this line to its standard output and ends with 0. */
  readonly printing?: (name: string, line: string) => Container;
  /** Whether pods outlive the process that started them. */
  readonly survivesRestart: boolean;
  /** Whatever the backend still has of this pod, by names for people. */
  leftovers(uid: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const { signal } = new AbortController();

/** The promises of `Provider`'s documentation, one test each. Every provider calls it from a test file of its own. */
export function describeProviderConformance(name: string, makeHarness: () => Promise<ProviderHarness>): void {
  describe(`provider ${name} keeps the contract`, () => {
    let harness: ProviderHarness;
    let running: RunningProvider;

    before(async () => {
      harness = await makeHarness();
      running = new RunningProvider(await harness.createProvider());
    });
    after(async () => {
      await running?.stop();
      for (const { ref } of (await running?.provider.listPods({ signal })) ?? []) {
        await running.provider.releasePod(ref, { signal });
      }
      await harness?.close();
    });

    const start = async (spec: PodSpec, metadata: Pod['metadata'] = {}): Promise<Pod> => {
      const pod = makePod(spec, metadata);
      await running.provider.createPod(pod, { signal });
      return pod;
    };
    const isRunning = (pod: ObservedPod): boolean =>
      pod.containers.length > 0 && pod.containers.every(({ state, ready }) => state.kind === 'running' && ready);
    const untilRunning = (pod: Pod): Promise<ObservedPod> => running.until(podRef(pod).uid, 'running', isRunning);
    const untilEnded = (pod: Pod): Promise<ObservedPod> =>
      running.until(podRef(pod).uid, 'ended', ({ ended }) => ended);
    const end = async (pod: Pod): Promise<ObservedPod> => {
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
      const ended = await untilEnded(pod);
      await running.provider.releasePod(podRef(pod), { signal });
      return ended;
    };
    const listed = async (pod: Pod): Promise<ObservedPod | undefined> =>
      (await running.provider.listPods({ signal })).find(({ ref }) => ref.uid === podRef(pod).uid);
    const honours = (feature: FeatureId): boolean => running.provider.capabilities[feature].kind === 'honoured';

    it('describes a node with cpu, memory, pods and storage as quantities', async () => {
      const { capacity, allocatable = {}, architecture } = await running.provider.describeNode({ signal });
      for (const resource of ['cpu', 'memory', 'pods', 'storage']) {
        assert.ok(parseQuantity(capacity[resource] ?? '0') > 0n, `${resource} is ${capacity[resource]}`);
      }
      for (const [resource, amount] of Object.entries(allocatable)) {
        assert.ok(parseQuantity(amount) <= parseQuantity(capacity[resource] ?? '0'), resource);
      }
      assert.notEqual(architecture, '');
    });

    it('answers a ping', async () => {
      await running.provider.ping({ signal });
    });

    it('gives a reason for every feature it refuses', () => {
      for (const [feature, support] of Object.entries(running.provider.capabilities)) {
        if (support.kind === 'refused') assert.notEqual(support.why, '', feature);
      }
    });

    it('runs a pod and pushes its whole state', async () => {
      const pod = await start({ containers: [harness.longRunning('a'), harness.longRunning('b')] });
      const observed = await untilRunning(pod);
      assert.deepEqual(observed.ref, podRef(pod));
      assert.equal(observed.sandboxReady, true);
      assert.equal(observed.ended, false);
      assert.match(observed.podIps[0] ?? '', /[.:]/);
      assert.deepEqual(observed.containers.map((container) => container.name).sort(), ['a', 'b']);
      for (const container of observed.containers) {
        assert.equal(container.restartCount, 0);
        assert.equal(container.started, true);
        assert.match(container.containerId ?? '', /^[a-z]+:\/\/./);
        assert.notEqual(container.image, '');
        assert.notEqual(container.imageId, '');
      }
      assert.deepEqual((await listed(pod))?.containers, observed.containers);
      await end(pod);
    });

    it('takes a pod that runs already as it is, and pushes its state again', async () => {
      const pod = await start({ containers: [harness.longRunning('a')] });
      const before = await untilRunning(pod);
      running.forget(podRef(pod).uid);
      await running.provider.createPod(pod, { signal });
      assert.deepEqual((await untilRunning(pod)).containers, before.containers);
      assert.deepEqual((await listed(pod))?.containers, before.containers);
      await end(pod);
    });

    it('gives each pod an address of its own', async () => {
      const pods = await Promise.all([1, 2, 3].map(() => start({ containers: [harness.longRunning('a')] })));
      const addresses = await Promise.all(pods.map(async (pod) => (await untilRunning(pod)).podIps[0]));
      assert.equal(new Set(addresses).size, 3);
      await Promise.all(pods.map(end));
    });

    it('leaves containers alone when only metadata changes', async () => {
      const pod = await start({ containers: [harness.longRunning('a')] });
      const before = await untilRunning(pod);
      const changed = { ...pod, metadata: { ...pod.metadata, labels: { changed: 'yes' } } };
      await running.provider.updatePod(changed, { signal });
      assert.deepEqual((await listed(pod))?.containers, before.containers);
      await end(pod);
    });

    it('ends a pod when asked, and keeps its exit codes until it is released', async () => {
      const pod = await start({ containers: [harness.longRunning('a'), harness.longRunning('b')] });
      await untilRunning(pod);
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
      const ended = await untilEnded(pod);
      assert.deepEqual(
        ended.containers.map(({ state }) => state.kind),
        ['terminated', 'terminated'],
      );
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
      assert.deepEqual((await listed(pod))?.containers, ended.containers);
      await running.provider.releasePod(podRef(pod), { signal });
    });

    it('leaves nothing of a released pod, however often it is released', async () => {
      const pod = await start({ containers: [harness.longRunning('a')] });
      await untilRunning(pod);
      await end(pod);
      await running.provider.releasePod(podRef(pod), { signal });
      assert.equal(await listed(pod), undefined);
      assert.deepEqual(await harness.leftovers(podRef(pod).uid), []);
    });

    it('says NotFound to the end of a pod it does not know', async () => {
      const ending = running.provider.deletePod(podRef(makePod({ containers: [] })), { gracePeriodSeconds: 1, signal });
      await assert.rejects(ending, (error) => hasCode(error, 'NotFound'));
    });

    it('tells apart two pods of one name by their UID', async () => {
      const spec: PodSpec = { containers: [harness.longRunning('a')] };
      const first = await start(spec, { name: 'twin' });
      await untilRunning(first);
      await running.provider.deletePod(podRef(first), { gracePeriodSeconds: 1, signal });
      const second = await start(spec, { name: 'twin' });
      await untilEnded(first);
      await running.provider.releasePod(podRef(first), { signal });
      await untilRunning(second);
      await end(second);
    });

    it('ends earlier when asked again with a shorter grace', async (context) => {
      if (harness.stubborn === undefined) return context.skip('nothing really runs, or all have one grace period');
      const pod = await start({ containers: [harness.stubborn('a')] });
      await untilRunning(pod);
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 600, signal });
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
      const ended = await untilEnded(pod);
      assert.equal(terminationOf(ended).exitCode, 137);
      await running.provider.releasePod(podRef(pod), { signal });
    });

    for (const [restartPolicy, exitCode] of [
      ['Never', 3],
      ['Never', 0],
      ['OnFailure', 0],
    ] as const) {
      it(`ends a pod of restartPolicy ${restartPolicy} whose container exits with ${exitCode}, and does not run it again`, async (context) => {
        if (harness.exiting === undefined) return context.skip('nothing really runs');
        const pod = await start({ restartPolicy, containers: [harness.exiting('a', exitCode)] });
        const state = terminationOf(await untilEnded(pod));
        assert.equal(state.exitCode, exitCode);
        assert.equal(state.reason, exitCode === 0 ? 'Completed' : 'Error');
        assert.ok((state.finishedAtMs ?? 0) >= (state.startedAtMs ?? 0));
        running.forget(podRef(pod).uid);
        await running.provider.createPod(pod, { signal });
        assert.deepEqual(terminationOf(await untilEnded(pod)), state);
        await running.provider.releasePod(podRef(pod), { signal });
      });
    }

    for (const [restartPolicy, exitCode] of [
      ['Always', 0],
      ['OnFailure', 3],
    ] as const) {
      it(`restarts a container of restartPolicy ${restartPolicy} that exits with ${exitCode}`, async (context) => {
        if (harness.exiting === undefined) return context.skip('nothing really runs');
        const pod = await start({ restartPolicy, containers: [harness.exiting('a', exitCode)] });
        const { containers, ended } = await running.until(podRef(pod).uid, 'restarted', (observed) =>
          observed.containers.some(({ restartCount }) => restartCount > 0),
        );
        assert.equal(containers[0]?.lastTerminated?.exitCode, exitCode);
        assert.equal(ended, false);
        await end(pod);
      });
    }

    it('runs init containers before the others', async (context) => {
      if (!honours('init-containers')) return context.skip('refused by this provider');
      const init = harness.exiting?.('init', 0) ?? harness.longRunning('init');
      const pod = await start({ initContainers: [init], containers: [harness.longRunning('a')] });
      const { containers } = await running.until(podRef(pod).uid, 'running', (observed) =>
        observed.containers.some((container) => container.name === 'a' && container.state.kind === 'running'),
      );
      const initState = containers.find((container) => container.name === 'init')?.state;
      assert.equal(initState?.kind === 'terminated' && initState.exitCode, 0);
      await end(pod);
    });

    it('runs sidecars beside the others', async (context) => {
      if (!honours('sidecar-containers')) return context.skip('refused by this provider');
      const sidecar = { ...harness.longRunning('sidecar'), restartPolicy: 'Always' };
      const pod = await start({ initContainers: [sidecar], containers: [harness.longRunning('a')] });
      await running.until(podRef(pod).uid, 'both running', (observed) => {
        const states = observed.containers.map(({ state }) => state.kind);
        return states.length === 2 && states.every((kind) => kind === 'running');
      });
      await end(pod);
    });

    it('starts an ephemeral container that is added, and leaves the others as they are', async (context) => {
      if (!honours('ephemeral-containers')) return context.skip('refused by this provider');
      const pod = await start({ containers: [harness.longRunning('a')] });
      const before = await untilRunning(pod);
      const ephemeralContainers = [harness.longRunning('debug')];
      const changed = { ...pod, metadata: { ...pod.metadata, generation: 2 } };
      const spec = { containers: [], ...pod.spec, ephemeralContainers };
      await running.provider.updatePod({ ...changed, spec }, { signal });
      const { containers } = await running.until(podRef(pod).uid, 'both running', (observed) =>
        ['a', 'debug'].every((of) => observed.containers.find((each) => each.name === of)?.state.kind === 'running'),
      );
      assert.deepEqual(
        containers.find((each) => each.name === 'a'),
        before.containers[0],
      );
      await end(pod);
    });

    it('restarts a container by its own rules, whatever the pod’s restartPolicy', async (context) => {
      const { exiting } = harness;
      if (!exiting) return context.skip('nothing really runs');
      if (!honours('container-restart-rules')) return context.skip('refused by this provider');
      const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
      const ruled = { ...exiting('a', 42), restartPolicy: 'Never', restartPolicyRules };
      const pod = await start({ restartPolicy: 'Never', containers: [ruled] });
      await running.until(podRef(pod).uid, 'restarted', ({ containers }) => (containers[0]?.restartCount ?? 0) > 0);
      await end(pod);
    });

    it('gives the log of a container, and NotFound for one of a pod it does not know', async (context) => {
      const { logs } = running.provider;
      if (logs === undefined) return context.skip('this provider has no logs');
      const request = { container: 'a', previous: false, follow: false, timestamps: false };
      await assert.rejects(
        logs.call(running.provider, { ...request, pod: podRef(makePod({ containers: [] })) }, { signal }),
        (error) => hasCode(error, 'NotFound'),
      );
      if (harness.printing === undefined) return;
      const pod = await start({ restartPolicy: 'Never', containers: [harness.printing('a', 'hello')] });
      await untilEnded(pod);
      const chunks = await logs.call(running.provider, { ...request, pod: podRef(pod) }, { signal });
      assert.equal(Buffer.concat(await Array.fromAsync(chunks, (chunk) => Buffer.from(chunk))).toString(), 'hello\n');
      await running.provider.releasePod(podRef(pod), { signal });
    });

    it('leaves pods running when its run is aborted, and finds them in the next process', async (context) => {
      const pod = await start({ containers: [harness.longRunning('a')] });
      const before = await untilRunning(pod);
      await running.stop();
      running = new RunningProvider(await harness.createProvider());
      if (!harness.survivesRestart) return context.diagnostic('pods end with the process: only the abort was tested');
      assert.deepEqual((await untilRunning(pod)).containers, before.containers);
      assert.deepEqual((await listed(pod))?.containers, before.containers);
      await running.provider.createPod(pod, { signal });
      assert.deepEqual((await listed(pod))?.containers, before.containers);
      await end(pod);
      assert.deepEqual(await harness.leftovers(podRef(pod).uid), []);
    });
  });
}
