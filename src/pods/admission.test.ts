import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, Pod, PodSpec } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { PodHarness } from './testing/pod-harness.ts';
import { ScriptedProvider } from './testing/scripted-provider.ts';

const wantsLabel: Partial<PodSpec> = { nodeSelector: { foo: 'bar' } };

function asking(cpu: string): Partial<PodSpec> {
  const container: Container = { name: 'a', image: 'foo', resources: { requests: { cpu } } };
  return { containers: [container] };
}

function ownedBy(kind: string): NonNullable<Pod['metadata']> {
  return { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'owner', controller: true }] };
}

const isFailed = ({ status }: Pod): boolean => status?.phase === 'Failed';
const waitsFor =
  (reason: string) =>
  ({ status }: Pod): boolean =>
    status?.containerStatuses?.[0]?.state?.waiting?.reason === reason;

/** A node of two CPUs and so many pods. */
async function setUp(t: Parameters<typeof PodHarness.set>[0], podCapacity = 100) {
  const provider = new ScriptedProvider();
  const harness = await PodHarness.set(t, provider);
  offer(harness, { cpu: '2', memory: '1Gi', pods: String(podCapacity) });
  return { harness, provider };
}

function offer(harness: PodHarness, allocatable: Record<string, string>, labels: Record<string, string> = {}): void {
  harness.node.now = { metadata: { name: 'vk', labels }, status: { allocatable } };
  harness.node.seen = harness.node.now;
}

describe('a pod that its node has no place for', () => {
  it('becomes Failed in kubelet’s words, and never reaches the provider', async (t) => {
    const { harness } = await setUp(t);
    await harness.start();
    const { status } = await harness.untilPod(harness.createPod(asking('100')), 'Failed', isFailed);
    assert.equal(status?.reason, 'OutOfcpu');
    const amounts = "Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 2000";
    assert.equal(status.message, `Pod was rejected: ${amounts}`);
    assert.deepEqual(
      harness.events.map(({ type, reason, message }) => [type, reason, message]),
      [['Warning', 'OutOfcpu', amounts]],
    );
    assert.equal(harness.faulty.count('createPod'), 0);
  });

  it('finds one when another has ended or its object is gone, and not before', async (t) => {
    const { harness, provider } = await setUp(t, 2);
    await harness.start();
    const first = await harness.untilReady(harness.createPod({ ...asking('1'), restartPolicy: 'Never' }));
    const second = await harness.untilReady(harness.createPod(asking('1')));
    const refused = await harness.untilPod(harness.createPod(), 'Failed', isFailed);
    assert.equal(refused.status?.reason, 'OutOfpods');
    provider.finish(first, 0);
    await harness.untilPod(first, 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
    const third = await harness.untilReady(harness.createPod(asking('1')));
    harness.deletePod(second, 0);
    await harness.untilGone(second);
    await harness.untilReady(harness.createPod(asking('1')));
    assert.ok(third);
    const last = await harness.untilPod(harness.createPod(asking('1m')), 'Failed', isFailed);
    assert.match(last.status?.message ?? '', /pods, requested: 1, used: 2, capacity: 2/);
  });

  it('is not refused by what we saw of the node before it changed', async (t) => {
    const { harness } = await setUp(t);
    await harness.start();
    const { seen } = harness.node;
    harness.node.now = { ...seen, metadata: { name: 'vk', labels: { foo: 'bar' } } };
    await harness.untilReady(harness.createPod(wantsLabel));
    harness.node.now = seen ?? {};
    const { status } = await harness.untilPod(harness.createPod(wantsLabel), 'Failed', isFailed);
    assert.equal(status?.reason, 'NodeAffinity');
  });

  it('waits where the node, or what it offers, is not known yet', async (t) => {
    for (const seen of [undefined, { metadata: { name: 'vk' }, status: {} }]) {
      const { harness } = await setUp(t);
      harness.node.seen = seen;
      await harness.start();
      const pod = harness.createPod();
      await harness.settled();
      assert.equal(harness.writes('PATCH').length, 0);
      harness.node.seen = harness.node.now;
      await harness.clock.advance(1000);
      await harness.untilReady(pod);
    }
  });

  it('of a DaemonSet waits as Pending, said once, and runs when there is room', async (t) => {
    const { harness } = await setUp(t, 1);
    await harness.start();
    const first = await harness.untilReady(harness.createPod());
    const pod = harness.createPod({}, ownedBy('DaemonSet'));
    await harness.untilPod(pod, 'waiting', waitsFor('OutOfpods'));
    for (let minute = 0; minute < 10; minute++) {
      await harness.clock.advance(60_000);
      await harness.settled();
    }
    assert.equal(harness.writes('PATCH', pod).length, 1);
    assert.equal(harness.events.filter(({ reason }) => reason === 'OutOfpods').length, 1);
    harness.deletePod(first, 0);
    await harness.untilGone(first);
    await harness.clock.advance(10_000);
    await harness.untilReady(pod);
  });

  it('of one owner fails at most as often as other refused pods do', async (t) => {
    const { harness } = await setUp(t);
    await harness.start();
    await harness.untilPod(harness.createPod(wantsLabel, ownedBy('ReplicaSet')), 'Failed', isFailed);
    const second = harness.createPod(wantsLabel, ownedBy('ReplicaSet'));
    await harness.untilPod(second, 'waiting', waitsFor('NodeAffinity'));
    const third = harness.createPod(wantsLabel, ownedBy('ReplicaSet'));
    await harness.untilPod(third, 'waiting', waitsFor('NodeAffinity'));
    await harness.clock.advance(10_000);
    await until('one of the two to fail', () => {
      return [second, third].filter((pod) => isFailed(harness.stored(pod) ?? {})).length === 1;
    });
    offer(harness, { cpu: '2', memory: '1Gi', pods: '100' }, { foo: 'bar' });
    await harness.clock.advance(10_000);
    const left = isFailed(harness.stored(second) ?? {}) ? third : second;
    await harness.untilReady(left);
  });
});

describe('a pod that was let in', () => {
  it('stays after a restart of ours, whatever has become of the node, and counts before all new ones', async (t) => {
    const { harness } = await setUp(t);
    const life = await harness.start();
    offer(harness, { cpu: '2', memory: '1Gi', pods: '2' }, { foo: 'bar' });
    const pods = [harness.createPod({ ...wantsLabel, ...asking('1') }), harness.createPod(asking('1'))];
    for (const pod of pods) await harness.untilReady(pod);
    await life.stop();
    offer(harness, { cpu: '1', memory: '1Gi', pods: '1' });
    const late = harness.createPod({}, { name: 'a-new-one' });
    await harness.start();
    const { status } = await harness.untilPod(late, 'Failed', isFailed);
    assert.match(status?.message ?? '', /pods, requested: 1, used: 2, capacity: 1/);
    await until('the takeover', () => harness.faulty.count('createPod') === 4);
    await harness.settled();
    for (const pod of pods) assert.equal(harness.stored(pod)?.status?.phase, 'Running');
  });

  it('ends as it ended, though that was while we were away and its node has no place for it any more', async (t) => {
    const { harness, provider } = await setUp(t);
    const life = await harness.start();
    const pod = await harness.untilReady(harness.createPod({ ...asking('2'), restartPolicy: 'Never' }));
    await life.stop();
    provider.finish(pod, 0);
    offer(harness, { cpu: '0', memory: '0', pods: '1' });
    await harness.start();
    await harness.untilPod(pod, 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
    const { status } = await harness.untilPod(harness.createPod(asking('1')), 'Failed', isFailed);
    assert.match(status?.message ?? '', /cpu, requested: 1000, used: 0, capacity: 0/);
    assert.equal(harness.events.length, 1);
  });

  it('stays where the provider has lost it with us', async (t) => {
    const { harness, provider } = await setUp(t, 1);
    const life = await harness.start();
    const pod = await harness.untilReady(harness.createPod());
    await life.stop();
    provider.pods.clear();
    offer(harness, { cpu: '0', memory: '0', pods: '0' });
    await harness.start();
    await until('it to be run again', () => harness.faulty.count('createPod') === 2);
    await harness.untilReady(pod);
  });
});
