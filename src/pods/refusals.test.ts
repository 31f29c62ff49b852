import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pods } from '../apiserver/client.ts';
import type { Pod, PodSpec } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { RefusalPacer } from './refusal-pacer.ts';
import { PodHarness } from './testing/pod-harness.ts';
import { ScriptedProvider } from './testing/scripted-provider.ts';

const impossible: Partial<PodSpec> = {
  hostPID: true,
  containers: [{ name: 'a', image: 'foo', securityContext: { privileged: true } }],
};

function ownedBy(kind: string, uid = 'owner'): NonNullable<Pod['metadata']> {
  return { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid, controller: true }] };
}

const isFailed = ({ status }: Pod): boolean => status?.phase === 'Failed';
const isWaiting = ({ status }: Pod): boolean =>
  status?.containerStatuses?.[0]?.state?.waiting?.reason === 'UnsupportedPodSpec';

async function setUp(t: Parameters<typeof PodHarness.set>[0]) {
  const harness = await PodHarness.set(t, new ScriptedProvider('privileged', 'host-pid-ipc', 'ephemeral-containers'));
  await harness.start();
  return harness;
}

describe('a pod that can never run', () => {
  it('becomes Failed at once with a reason that names every field, and never reaches the provider', async (t) => {
    const harness = await setUp(t);
    const pod = harness.createPod(impossible);
    const { status } = await harness.untilPod(pod, 'Failed', isFailed);
    assert.equal(status?.reason, 'UnsupportedPodSpec');
    assert.match(status.message ?? '', /securityContext\.privileged.*spec\.hostPID/);
    assert.equal(harness.faulty.count('createPod'), 0);
    assert.deepEqual(
      harness.events.map(({ type, reason }) => [type, reason]),
      [['Warning', 'UnsupportedPodSpec']],
    );
    harness.deletePod(pod);
    await harness.untilGone(pod);
    assert.equal(harness.writes('PATCH').length, 1);
  });

  it('has the reasons of the provider’s features and those of their values in one sentence', async (t) => {
    const provider = new ScriptedProvider('host-pid-ipc');
    provider.refusals = () => [{ field: 'spec.containers[0].image', feature: undefined, why: 'it is too large' }];
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod({ hostPID: true, containers: [{ name: 'a', image: 'foo' }] });
    const { status } = await harness.untilPod(pod, 'Failed', isFailed);
    assert.match(status?.message ?? '', /spec\.hostPID: .*; spec\.containers\[0\]\.image: it is too large$/);
  });

  it('of one owner fails at most as often as 10 s, 20 s, 40 s … apart, however fast it is replaced', async (t) => {
    const harness = await setUp(t);
    const failedAtMs: number[] = [];
    const startedMs = harness.clock.now();
    let pod = harness.createPod(impossible, ownedBy('ReplicaSet'));
    for (let second = 0; second <= 80; second++) {
      await harness.settled();
      while (isFailed(harness.stored(pod) ?? {})) {
        failedAtMs.push((harness.clock.now() - startedMs) / 1000);
        pod = harness.createPod(impossible, ownedBy('ReplicaSet'));
        await harness.settled();
      }
      await harness.clock.advance(1000);
    }
    assert.deepEqual(failedAtMs, [0, 10, 30, 70]);
    assert.ok(isWaiting(harness.stored(pod) ?? {}));
  });

  it('waits as Pending for its turn, and ends Failed where it is deleted before', async (t) => {
    const harness = await setUp(t);
    await harness.untilPod(harness.createPod(impossible, ownedBy('ReplicaSet')), 'Failed', isFailed);
    const second = harness.createPod(impossible, ownedBy('ReplicaSet'));
    const { status } = await harness.untilPod(second, 'waiting', isWaiting);
    assert.equal(status?.phase, 'Pending');
    assert.match(status.containerStatuses?.[0]?.state?.waiting?.message ?? '', /spec\.hostPID/);
    await harness.untilPod(harness.createPod(impossible, ownedBy('ReplicaSet', 'other')), 'Failed', isFailed);
    harness.deletePod(second);
    await harness.untilGone(second);
  });

  it('of a DaemonSet stays Pending for good, lest it is made again without end', async (t) => {
    const harness = await setUp(t);
    const pod = harness.createPod(impossible, ownedBy('DaemonSet'));
    await harness.untilPod(pod, 'waiting', isWaiting);
    await harness.clock.advance(3_600_000);
    await harness.settled();
    assert.equal(harness.stored(pod)?.status?.phase, 'Pending');
    assert.equal(harness.writes('PATCH').length, 1);
    assert.equal(harness.events.length, 1);
  });

  it('runs on where an earlier version of us has let it in', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    const life = await harness.start();
    const pod = await harness.untilReady(harness.createPod(impossible));
    await life.stop();
    Object.assign(provider.capabilities, new ScriptedProvider('privileged').capabilities);
    await harness.start();
    await until('the takeover', () => harness.faulty.count('createPod') === 2);
    await harness.settled();
    assert.equal(harness.stored(pod)?.status?.phase, 'Running');
  });
});

it('an ephemeral container that cannot be had is refused by an event and its status, and the pod runs on', async (t) => {
  const provider = new ScriptedProvider('tty-stdin');
  const harness = await PodHarness.set(t, provider);
  await harness.start();
  const pod = await harness.untilReady(harness.createPod());
  const ephemeralContainers = [
    { name: 'debug', image: 'busybox', stdin: true },
    { name: 'plain', image: 'busybox' },
  ];
  harness.server.patch(pods, podRef(pod), { spec: { ephemeralContainers } }, 'strategic');
  await until('the event', () => harness.events.some(({ reason }) => reason === 'UnsupportedPodSpec'));
  assert.match(harness.events[0]?.message ?? '', /spec\.ephemeralContainers/);
  await harness.settled();
  const { status } = harness.stored(pod) ?? {};
  assert.equal(status?.phase, 'Running');
  const { reason, message } = status?.ephemeralContainerStatuses?.[0]?.state?.terminated ?? {};
  assert.equal(reason, 'UnsupportedPodSpec');
  assert.match(
    message ?? '',
    /^this node cannot run the container as it is written: spec\.ephemeralContainers\[0\]\.stdin: /,
  );
  assert.deepEqual(
    provider.updates.map(({ spec }) => spec?.ephemeralContainers?.map(({ name }) => name)),
    [['plain']],
  );
  assert.equal(harness.events.length, 1);
});

describe('RefusalPacer', () => {
  it('lets each owner begin anew after ten quiet minutes, and grows to five minutes', async () => {
    const clock = new FakeClock();
    const pacer = new RefusalPacer(clock);
    const pausesMs: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      assert.equal(pacer.takeTurn('a'), 0);
      const pauseMs = pacer.takeTurn('a');
      pausesMs.push(pauseMs);
      await clock.advance(pauseMs);
    }
    assert.deepEqual(
      pausesMs,
      [10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1000),
    );
    assert.equal(pacer.takeTurn('b'), 0);
    await clock.advance(600_001);
    assert.equal(pacer.takeTurn('a'), 0);
    assert.equal(pacer.takeTurn('a'), 10_000);
  });
});
