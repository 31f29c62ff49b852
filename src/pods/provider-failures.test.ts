import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { CodedError, type ErrorCode } from '../support/errors.ts';
import { PodHarness } from './testing/pod-harness.ts';
import { ScriptedProvider } from './testing/scripted-provider.ts';

const waitingOf = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting;

describe('a provider that cannot create a pod now', () => {
  for (const [code, reason, expected] of [
    ['Capacity', undefined, 'ProviderOutOfCapacity'],
    ['Unavailable', undefined, 'ProviderUnavailable'],
    ['Internal', undefined, 'ProviderFailed'],
    ['Unavailable', 'ErrImagePull', 'ErrImagePull'],
  ] as const) {
    it(`lets its containers wait with ${expected} after ${code}, an event, and another try`, async (t) => {
      const harness = await PodHarness.set(t, new ScriptedProvider());
      await harness.start();
      const error = new CodedError(code, 'it cannot be now', reason === undefined ? {} : { reason });
      harness.faulty.fail({ operation: 'createPod', error });
      const pod = harness.createPod();
      const seen = await harness.untilPod(pod, 'waiting', waitingOf);
      assert.deepEqual(waitingOf(seen), { reason: expected, message: 'it cannot be now' });
      assert.equal(seen.status?.phase, 'Pending');
      assert.deepEqual(
        harness.events.map((event) => [event.reason, event.message, event.pod.uid]),
        [['ProviderCreateFailed', 'it cannot be now', podRef(pod).uid]],
      );
      await harness.settled();
      await harness.clock.advance(1000);
      await harness.untilReady(pod);
    });
  }

  it('is asked again with growing pauses that nothing cuts short, for as long as it takes', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start({ resyncPeriodMs: 1000 });
    const error = new CodedError('Unavailable', 'down');
    harness.faulty.fail({ operation: 'createPod', error, times: 12 });
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', waitingOf);
    await harness.settled();
    for (let second = 0; second < 60; second++) {
      await harness.clock.advance(1000);
      await harness.settled();
    }
    const tries = harness.faulty.count('createPod');
    assert.ok(tries >= 5 && tries <= 8, `${tries} tries in the first minute`);
    await until('it to run', async () => {
      await harness.clock.advance(60_000);
      return harness.faulty.count('createPod') > 12;
    });
    await harness.untilReady(pod);
  });

  it('is left in peace for as long as it asks', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    const error = new CodedError('Throttled', 'slower', { retryAfterMs: 120_000 });
    harness.faulty.fail({ operation: 'createPod', error });
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', waitingOf);
    await harness.clock.advance(119_000);
    await harness.settled();
    assert.equal(harness.faulty.count('createPod'), 1);
    await harness.clock.advance(1000);
    await harness.untilReady(pod);
  });

  it('is asked at once when it is said to be back', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    const { controller } = await harness.start();
    const error = new CodedError('Unavailable', 'down', { retryAfterMs: 3_600_000 });
    harness.faulty.fail({ operation: 'createPod', error });
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', waitingOf);
    controller.retryFailed();
    await harness.untilReady(pod);
  });

  it('may have created it all the same: it is taken over, ended and released', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    harness.faulty.fail({
      operation: 'createPod',
      error: new CodedError('Timeout', 'no answer'),
      when: 'after',
      times: 100,
    });
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', waitingOf);
    harness.deletePod(pod);
    await until('the deletion', () => provider.deletions.length === 1);
    provider.finish(pod, 0);
    await harness.untilGone(pod);
    await until('the release', () => provider.pods.size === 0);
  });
});

describe('a provider that can never create a pod', () => {
  for (const code of ['Terminal', 'InvalidInput', 'NotImplemented'] satisfies ErrorCode[]) {
    it(`makes it Failed by ${code}, and is not asked again`, async (t) => {
      const harness = await PodHarness.set(t, new ScriptedProvider());
      await harness.start();
      const error = new CodedError(code, 'no such thing here', { reason: 'NoSuchThing' });
      harness.faulty.fail({ operation: 'createPod', error, times: 10 });
      const pod = harness.createPod();
      const { status } = await harness.untilPod(pod, 'Failed', (seen) => seen.status?.phase === 'Failed');
      assert.equal(status?.reason, 'NoSuchThing');
      assert.equal(status.message, 'no such thing here');
      await harness.clock.advance(3_600_000);
      await harness.settled();
      assert.equal(harness.faulty.count('createPod'), 1);
    });
  }

  it('has the pod that it runs all the same ended before it is Failed', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    harness.faulty.fail({ operation: 'createPod', error: new CodedError('Terminal', 'never'), when: 'after' });
    const pod = harness.createPod();
    await until('the deletion', () => provider.deletions.length === 1);
    await harness.settled();
    assert.notEqual(harness.stored(pod)?.status?.phase, 'Failed');
    provider.finish(pod, 137);
    const { status } = await harness.untilPod(pod, 'Failed', (seen) => seen.status?.phase === 'Failed');
    assert.equal(status?.reason, 'ProviderFailed');
  });
});

describe('a provider that fails otherwise', () => {
  it('is told of an update again', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    const pod = await harness.untilReady(harness.createPod());
    harness.faulty.fail({ operation: 'updatePod', error: new CodedError('Unavailable', 'down') });
    harness.relabel(pod);
    await until('the event', () => harness.events.some(({ reason }) => reason === 'ProviderUpdateFailed'));
    await harness.settled();
    await harness.clock.advance(1000);
    await until('the second try', () => harness.faulty.count('updatePod') === 2);
    assert.equal(harness.stored(pod)?.status?.phase, 'Running');
  });

  it('refuses an update for good: the pod runs on as it is, and the event says so once', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start();
    const pod = await harness.untilReady(harness.createPod());
    harness.faulty.fail({ operation: 'updatePod', error: new CodedError('InvalidInput', 'no'), times: 10 });
    harness.relabel(pod);
    await until('the event', () => harness.events.some(({ reason }) => reason === 'ProviderUpdateFailed'));
    await harness.clock.advance(600_000);
    await harness.settled();
    assert.equal(harness.faulty.count('updatePod'), 1);
    assert.equal(harness.stored(pod)?.status?.phase, 'Running');
  });

  it('is asked for the end again and again, even where it says that there can be none', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const pod = await harness.untilReady(harness.createPod());
    harness.faulty.fail({ operation: 'deletePod', error: new CodedError('Unavailable', 'down'), times: 2 });
    harness.faulty.fail({ operation: 'deletePod', error: new CodedError('Terminal', 'never') });
    harness.deletePod(pod);
    await until('the deletion', async () => {
      await harness.clock.advance(10_000);
      return provider.deletions.length === 1;
    });
    provider.finish(pod, 0);
    await harness.untilGone(pod);
  });

  it('is asked for the release again, and a delayed creation does not hold up the end', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const error = new CodedError('Throttled', 'slower', { retryAfterMs: 3_600_000 });
    harness.faulty.fail({ operation: 'createPod', error, when: 'after' });
    harness.faulty.fail({ operation: 'releasePod', error: new CodedError('Unavailable', 'down') });
    const pod = harness.createPod();
    await harness.untilPod(pod, 'waiting', waitingOf);
    harness.deletePod(pod);
    await until('the deletion', () => provider.deletions.length === 1);
    provider.finish(pod, 0);
    await harness.untilGone(pod);
    await until('the release', async () => {
      await harness.clock.advance(1000);
      return provider.pods.size === 0;
    });
  });

  it('stops to watch its pods, and is started again', async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    harness.faulty.fail({ operation: 'run', error: new Error('a defect'), times: 2 });
    await harness.start();
    await until('the third run', async () => {
      await harness.clock.advance(1000);
      return harness.faulty.count('run') === 3;
    });
    await harness.untilReady(harness.createPod());
  });
});
