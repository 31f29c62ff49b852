import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoggedRequest } from '../apiserver/testing/fake-api-request.ts';
import { podRef } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { PodHarness } from './testing/pod-harness.ts';
import { ScriptedProvider } from './testing/scripted-provider.ts';

const isStatusPatch = ({ method }: LoggedRequest): boolean => method === 'PATCH';

describe('an API server', () => {
  for (const [what, fault, times] of [
    ['that says 429 with Retry-After', { kind: 'status', code: 429, retryAfterSeconds: 0 }, 2],
    ['that says 500', { kind: 'status', code: 500 }, 2],
    ['that says 409 to a patch', { kind: 'status', code: 409 }, 1],
    ['that cuts the connection before the answer', { kind: 'cut', when: 'after' }, 2],
    ['that cuts the connection before the request', { kind: 'cut', when: 'before' }, 3],
  ] as const) {
    it(`${what} still learns that a pod runs, and that it has ended`, async (t) => {
      const provider = new ScriptedProvider();
      const harness = await PodHarness.set(t, provider);
      await harness.start();
      harness.server.fail({ fault, times, matches: isStatusPatch });
      const pod = harness.createPod();
      await until('the first try', () => harness.writes('PATCH').length > 0);
      await until('Ready', async () => {
        await harness.clock.advance(500);
        return harness.stored(pod)?.status?.phase === 'Running';
      });
      harness.server.fail({ fault, times, matches: ({ method }) => method === 'DELETE' });
      harness.deletePod(pod);
      await until('the deletion', () => provider.deletions.length === 1);
      provider.finish(pod, 0);
      await until('it is gone', async () => {
        await harness.clock.advance(500);
        return harness.stored(pod) === undefined;
      });
      await until('its release', () => provider.pods.size === 0);
      assert.equal(harness.faulty.count('createPod'), 1);
    });
  }

  it('that has forgotten its history is listed again, and nothing is missed or done twice', async (t) => {
    const provider = new ScriptedProvider();
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const [kept, removed] = [harness.createPod(), harness.createPod()];
    await Promise.all([kept, removed].map((pod) => harness.untilReady(pod)));
    harness.server.cutConnections();
    harness.deletePod(removed, 0);
    const replacement = harness.createPod({}, { name: podRef(removed).name });
    harness.server.compact();
    await harness.untilReady(replacement);
    await until('the deletion', () => provider.deletions.length === 1);
    assert.equal(provider.deletions[0]?.pod.uid, podRef(removed).uid);
    provider.finish(removed, 0);
    await until('the release', () => !provider.pods.has(podRef(removed).uid));
    assert.equal(harness.faulty.count('createPod', podRef(kept).uid), 1);
  });

  it('in which another pod has the name by now gets no status of the old one, and keeps the new one', async (t) => {
    const provider = new ScriptedProvider();
    provider.startsAtOnce = false;
    const harness = await PodHarness.set(t, provider);
    await harness.start();
    const old = harness.createPod({}, { name: 'twin' });
    await harness.untilPod(old, 'waiting', ({ status }) => status?.startTime);
    await harness.settled();
    // The watch sees nothing while the name changes hands.
    harness.server.fail({ fault: { kind: 'hang' }, matches: ({ isWatch }) => isWatch });
    harness.server.endWatches();
    await until('the watch to sleep', () => harness.server.requests.filter(({ isWatch }) => isWatch).length === 2);
    harness.deletePod(old, 0);
    const young = harness.createPod({}, { name: 'twin' });
    provider.finish(old, 3);
    await until('the attempt', () => harness.writes('PATCH').some(({ code = 0 }) => code >= 400));
    assert.equal(harness.stored(young)?.status?.phase, 'Pending');
    harness.server.cutConnections();
    await harness.untilPod(young, 'waiting', ({ status }) => status?.startTime);
    assert.notEqual(harness.stored(young)?.status?.phase, 'Failed');
  });
});
