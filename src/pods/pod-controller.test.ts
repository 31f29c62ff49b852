import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pods } from '../apiserver/client.ts';
import type { LoggedRequest } from '../apiserver/testing/fake-api-request.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { PodHarness } from './testing/pod-harness.ts';
import { observedPod, ScriptedProvider } from './testing/scripted-provider.ts';

/** What a request that changes a pod says. */
function bodyOf(request: LoggedRequest | undefined): { status?: Pod['status']; preconditions?: object } {
  assert.ok(request, 'there was such a request');
  return request.body as { status?: Pod['status']; preconditions?: object };
}

const uidOf = (pod: Pod): string => podRef(pod).uid;

describe('a pod that is bound to the node', () => {
  it('runs, with one status patch, and is left alone', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    const pod = harness.createPod();
    const { status } = await harness.untilReady(pod);
    assert.equal(status?.phase, 'Running');
    assert.equal(status.podIP, '10.1.0.1');
    assert.equal(status.hostIP, '10.0.0.5');
    assert.equal(status.containerStatuses?.[0]?.state?.running?.startedAt, '2026-01-01T00:00:00Z');
    await harness.settled();
    assert.equal(harness.writes('PATCH').length, 1);
    assert.equal(harness.faulty.count('createPod'), 1);
    assert.equal(harness.faulty.count('updatePod'), 0);
  });

  it('gets the annotations that its provider tells of, in the patch of its status, beside its own', async (t) => {
    const provider = new ScriptedProvider();
    provider.startsAtOnce = false;
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod({}, { annotations: { mine: 'yes' } });
    await until('it to be in hand', () => harness.faulty.count('createPod') === 1);
    provider.push({ ...observedPod(pod, { kind: 'running', startedAtMs: 0 }), annotations: { size: 'small' } });
    const { metadata } = await harness.untilReady(pod);
    assert.deepEqual(metadata?.annotations, { mine: 'yes', size: 'small' });
    await harness.settled();
    const patches = harness.writes('PATCH').length;
    provider.push({ ...observedPod(pod, { kind: 'running', startedAtMs: 0 }), annotations: { size: 'small' } });
    await harness.settled();
    assert.equal(harness.writes('PATCH').length, patches);
  });

  it('is looked at again at each resync without a request', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start({ resyncPeriodMs: 60_000 });
    await harness.untilReady(harness.createPod());
    await harness.settled();
    const before = harness.server.requests.length;
    await harness.clock.advance(600_000);
    await harness.settled();
    assert.equal(harness.server.requests.length, before);
  });

  it('is shown as ContainerCreating while its containers are not there yet', async (t) => {
    const provider = new ScriptedProvider();
    provider.startsAtOnce = false;
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', ({ status }) => {
      return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ContainerCreating' && status.startTime;
    });
    provider.push(observedPod(pod, { kind: 'running', startedAtMs: 0 }));
    await harness.untilReady(pod);
  });

  it('is told to the provider again when its spec, labels or annotations change, and not otherwise', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    const changes: readonly [string, object, number][] = [
      ['a label', { metadata: { labels: { app: 'web' } } }, 1],
      ['a finalizer', { metadata: { finalizers: ['someone.example/x'] } }, 1],
      ['an annotation', { metadata: { annotations: { note: 'x' } } }, 2],
      ["somebody's condition", { status: { conditions: [{ type: 'Gate', status: 'True' }] } }, 2],
      ['the spec', { spec: { activeDeadlineSeconds: 60 } }, 3],
    ];
    for (const [what, patch, updates] of changes) {
      harness.server.patch(pods, podRef(pod), patch, 'strategic');
      await harness.settled();
      await until(`${updates} updates after ${what}`, () => harness.faulty.count('updatePod') >= updates);
      await harness.settled();
      assert.equal(harness.faulty.count('updatePod'), updates, what);
    }
  });

  it('becomes Succeeded or Failed by its exit code, and is never run again', async (t) => {
    for (const [exitCode, phase] of [
      [0, 'Succeeded'],
      [3, 'Failed'],
    ] as const) {
      const provider = new ScriptedProvider();
      const harness = await PodHarness.set(t, provider);
      const life = await harness.start();
      const pod = harness.createPod({ restartPolicy: 'Never' });
      await harness.untilReady(pod);
      provider.finish(pod, exitCode);
      await harness.untilPod(pod, phase, ({ status }) => status?.phase === phase);
      await life.stop();
      await harness.start();
      await harness.settled();
      assert.equal(harness.faulty.count('createPod'), 1);
      assert.equal(harness.faulty.count('releasePod'), 0, 'it is kept for its logs');
      harness.deletePod(pod);
      await harness.untilGone(pod);
      await until('its release', () => harness.faulty.count('releasePod') === 1);
    }
  });

  it('is deleted unrun where it is a mirror pod, also one that is being deleted or was there before us', async (t) => {
    const annotations = { 'kubernetes.io/config.mirror': 'x' };
    const harness = await PodHarness.set(t, new ScriptedProvider());
    const before = harness.createPod({}, { annotations });
    const terminating = harness.createPod({}, { annotations });
    harness.deletePod(terminating);
    const held = harness.createPod({}, { annotations, finalizers: ['someone.example/x'] });
    await harness.start();
    await harness.untilGone(before);
    await harness.untilGone(terminating);
    const after = harness.createPod({}, { annotations });
    await harness.untilGone(after);
    await harness.settled();
    assert.deepEqual(bodyOf(harness.writes('DELETE', after)[0]).preconditions, { uid: uidOf(after) });
    assert.equal(harness.writes('DELETE').length, 4, 'one each, also where a finalizer holds the object');
    assert.equal(harness.stored(held)?.metadata?.deletionGracePeriodSeconds, 0);
    assert.equal(harness.writes('PATCH').length, 0);
    assert.equal(harness.faulty.count('createPod'), 0);
    assert.equal(harness.events[0]?.reason, 'OrphanedMirrorPod');
  });

  it('is left to its node where that is another one', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    harness.createPod({ nodeName: 'other' });
    harness.createPod({ nodeName: '' });
    await harness.settled();
    assert.deepEqual(harness.faulty.calls.map(({ operation }) => operation).sort(), ['listPods', 'run']);
  });
});

describe('a pod that is deleted', () => {
  it('keeps its object until its containers have ended, then goes at once, its terminal status written', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    harness.deletePod(pod, 30);
    await until('the deletion', () => provider.deletions.length === 1);
    await harness.clock.advance(20_000);
    await harness.settled();
    assert.ok(harness.stored(pod), 'the object stays while containers run');
    assert.equal(harness.writes('DELETE').length, 0);
    provider.finish(pod, 143);
    await harness.untilGone(pod);
    const [patch, last] = harness.server.requests
      .filter(({ method }) => method === 'PATCH' || method === 'DELETE')
      .slice(-2);
    assert.equal(bodyOf(patch).status?.phase, 'Failed');
    assert.equal(last?.method, 'DELETE');
    assert.deepEqual(bodyOf(last).preconditions, { uid: uidOf(pod) });
    await until('its release', () => harness.faulty.count('releasePod') === 1);
    assert.equal(harness.writes('DELETE').length, 1);
    assert.equal(provider.pods.size, 0);
  });

  it('ends earlier where the grace is shortened', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    harness.deletePod(pod, 600);
    await until('the deletion', () => provider.deletions.length === 1);
    harness.deletePod(pod, 5);
    await until('the second', () => provider.deletions.length === 2);
    assert.ok((provider.deletions[1]?.gracePeriodSeconds ?? 600) <= 5);
    provider.finish(pod, 137);
    await harness.untilGone(pod);
  });

  it('gives the provider what is left of the grace after a restart, and 1 s at least', async (t) => {
    for (const [passedSeconds, expected] of [
      [20, 10],
      [100, 1],
    ] as const) {
      const provider = new ScriptedProvider();
      const harness = await PodHarness.set(t, provider);
      const life = await harness.start();
      const pod = harness.createPod();
      await harness.untilReady(pod);
      await life.stop();
      const deletionTimestamp = new Date(harness.clock.now() + (30 - passedSeconds) * 1000).toISOString();
      harness.server.remove(pods, podRef(pod));
      const marked = harness.stored(pod);
      harness.server.remove(pods, podRef(pod), { gracePeriodSeconds: 0 });
      harness.server.put(pods, { ...marked, metadata: { ...marked?.metadata, deletionTimestamp } });
      await harness.start();
      await until('the deletion', () => provider.deletions.length === 1);
      assert.equal(provider.deletions[0]?.gracePeriodSeconds, expected);
    }
  });

  it('is Failed and gone where it was never created', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    const pod = harness.createPod();
    harness.deletePod(pod);
    await harness.start();
    await harness.untilGone(pod);
    assert.deepEqual(
      harness.writes('PATCH').map((request) => bodyOf(request).status?.phase),
      ['Failed'],
    );
    assert.equal(harness.faulty.count('deletePod'), 0);
    assert.equal(harness.faulty.count('releasePod'), 0);
  });

  it('is ended and released with the grace of its spec where its object is gone at once', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod({ terminationGracePeriodSeconds: 7 });
    await harness.untilReady(pod);
    harness.deletePod(pod, 0);
    await until('the deletion', () => provider.deletions.length === 1);
    assert.equal(provider.deletions[0]?.gracePeriodSeconds, 7);
    await harness.settled();
    assert.equal(harness.faulty.count('releasePod'), 0);
    provider.finish(pod, 0);
    await until('the release', () => provider.pods.size === 0);
  });

  it('is another pod than the one created under its name meanwhile', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const old = harness.createPod({}, { name: 'twin' });
    await harness.untilReady(old);
    harness.deletePod(old, 0);
    const young = harness.createPod({}, { name: 'twin' });
    await harness.untilReady(young);
    await until('the end of the old one', () => provider.deletions.length === 1);
    assert.equal(provider.deletions[0]?.pod.uid, uidOf(old));
    provider.finish(old, 0);
    await until('its release', () => !provider.pods.has(uidOf(old)));
    await harness.settled();
    assert.ok(harness.stored(young));
    assert.deepEqual([...provider.pods.keys()], [uidOf(young)]);
  });

  it('goes with its last finalizer, without being deleted a second time', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod({}, { finalizers: ['someone.example/x'] });
    await harness.untilReady(pod);
    harness.deletePod(pod);
    await until('the deletion', () => provider.deletions.length === 1);
    provider.finish(pod, 0);
    await harness.untilPod(pod, 'terminal', ({ status }) => status?.phase === 'Succeeded');
    await harness.settled();
    assert.equal(harness.faulty.count('releasePod'), 0);
    assert.equal(harness.writes('DELETE').length, 1);
    harness.server.patch(pods, podRef(pod), { metadata: { finalizers: [] } });
    await harness.untilGone(pod);
    await until('its release', () => harness.faulty.count('releasePod') === 1);
  });

  it('is asked for again where it has not ended a minute after its grace', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    harness.deletePod(pod, 10);
    await until('the deletion', () => provider.deletions.length === 1);
    await harness.clock.advance(120_000);
    await until('the second', () => provider.deletions.length >= 2);
  });

  it('has ended where the provider has lost it, as nobody knows how', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    provider.pods.clear();
    harness.deletePod(pod);
    await harness.untilGone(pod);
    const { status } = bodyOf(harness.writes('PATCH').at(-1));
    assert.equal(status?.phase, 'Failed');
    assert.equal(status.containerStatuses?.[0]?.state?.terminated?.reason, 'ContainerStatusUnknown');
  });

  it('that somebody has marked Failed while it ran is ended, and kept until its object is deleted', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    harness.server.patch(pods, podRef(pod), { status: { phase: 'Failed', reason: 'NodeLost' } });
    await until('the deletion', () => provider.deletions.length === 1);
    provider.finish(pod, 143);
    await harness.untilPod(pod, 'terminated', ({ status }) => status?.containerStatuses?.[0]?.state?.terminated);
    assert.equal(harness.stored(pod)?.status?.phase, 'Failed');
    assert.equal(harness.faulty.count('releasePod'), 0);
  });
});

describe('a process that starts anew', () => {
  it('takes running pods over and changes nothing, tells the provider of changes it may have missed', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    const life = await harness.start();
    const pod = harness.createPod();
    const before = await harness.untilReady(pod);
    await life.stop();
    const writes = harness.writes('PATCH').length;
    await harness.start();
    await until('the takeover', () => harness.faulty.count('updatePod') === 1);
    await harness.settled();
    assert.equal(harness.faulty.count('createPod'), 2);
    assert.equal(harness.writes('PATCH').length, writes);
    assert.deepEqual(harness.stored(pod)?.status, before.status);
  });

  it('does not believe that a pod has ended before the provider has its spec', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    const life = await harness.start();
    const pod = harness.createPod();
    await harness.untilReady(pod);
    await life.stop();
    provider.finish(pod, 3);
    const release = harness.faulty.hold('createPod');
    await harness.start();
    await until('the takeover', () => harness.faulty.count('createPod') === 2);
    await harness.settled();
    assert.equal(harness.stored(pod)?.status?.phase, 'Running');
    provider.push(observedPod(pod, { kind: 'running', startedAtMs: 1000 }));
    release();
    await harness.settled();
    assert.equal(harness.stored(pod)?.status?.phase, 'Running');
  });

  it('ends and releases what the provider has and the API server has no longer', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    const life = await harness.start();
    const [orphan, ended, kept] = [harness.createPod(), harness.createPod(), harness.createPod()];
    await Promise.all([orphan, ended, kept].map((pod) => harness.untilReady(pod)));
    await life.stop();
    provider.finish(ended, 0);
    harness.deletePod(orphan, 0);
    harness.deletePod(ended, 0);
    await harness.start();
    await until('the deletion', () => provider.deletions.length === 1);
    assert.deepEqual(provider.deletions[0], { pod: podRef(orphan), gracePeriodSeconds: 1 });
    await until('the release of the ended one', () => !provider.pods.has(uidOf(ended)));
    provider.finish(orphan, 137);
    await until('the release', () => !provider.pods.has(uidOf(orphan)));
    await harness.settled();
    assert.deepEqual([...provider.pods.keys()], [uidOf(kept)]);
  });

  it('starts and ends nothing before the provider has said which pods it has', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    harness.faulty.fail({ operation: 'listPods', error: new Error('down'), times: 3 });
    const pod = harness.createPod();
    const life = harness.launch();
    await until('it to ask', () => harness.faulty.count('listPods') === 1);
    await harness.settled();
    assert.equal(harness.faulty.count('createPod'), 0);
    await until('it to work', async () => {
      await harness.clock.advance(1000);
      return harness.faulty.count('listPods') === 4;
    });
    await life.ready;
    await harness.untilReady(pod);
  });
});

describe('a process that is told to end', () => {
  it('lets what is under way finish, starts nothing new, writes last statuses and leaves pods running', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    const life = await harness.start({ workers: 1 });
    const running = harness.createPod();
    await harness.untilReady(running);
    const release = harness.faulty.hold('createPod');
    const [started, waiting] = [harness.createPod(), harness.createPod()];
    await until('a creation under way', () => harness.faulty.count('createPod') === 2);
    provider.push({ ...observedPod(running, { kind: 'running', startedAtMs: 0 }), podIps: ['10.9.9.9'] });
    const stopped = life.stop();
    release();
    await stopped;
    assert.equal(harness.stored(started)?.status?.phase, 'Running');
    assert.equal(harness.stored(running)?.status?.podIP, '10.9.9.9');
    assert.equal(harness.stored(waiting)?.status?.phase, 'Pending');
    assert.equal(harness.faulty.count('createPod'), 2);
    assert.equal(provider.deletions.length, 0);
  });

  it('does not wait for a provider that never answers', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    const life = await harness.start();
    harness.createPod();
    harness.faulty.hold('createPod');
    await until('a creation under way', () => harness.faulty.count('createPod') === 1);
    let isStopped = false;
    const stopped = life.stop().then(() => {
      isStopped = true;
    });
    await until('the end', async () => {
      await harness.clock.advance(1000);
      return isStopped;
    });
    await stopped;
  });
});
