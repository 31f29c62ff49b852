import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../apiserver/client.ts';
import { podRef } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { createProvider } from '../providers/memory/provider.ts';
import { isReady, PodHarness } from './testing/pod-harness.ts';

const count = 2000;

test('two thousand pods cost one status patch each, and one patch and one delete to go', async (t) => {
  const harness = await PodHarness.set(t, (context) => createProvider(context));
  const life = await harness.start();
  const all = Array.from({ length: count }, () => harness.createPod());
  await until('all written', () => harness.writes('PATCH').length >= count, { timeoutMs: 60_000 });
  await harness.settled();
  assert.ok(harness.server.list(pods).every(isReady));
  assert.equal(harness.writes('PATCH').length, count);
  assert.equal(harness.faulty.count('createPod'), count);
  assert.equal(life.controller.runningPods, count);
  assert.ok(harness.events.length <= count, `${harness.events.length} events`);

  harness.server.requests.length = 0;
  await harness.clock.advance(60_000);
  await harness.settled();
  assert.equal(harness.server.requests.length, 0, 'a resync asks for nothing');

  for (const pod of all) harness.deletePod(pod);
  await until('all released', () => harness.faulty.count('releasePod') === count, { timeoutMs: 60_000 });
  assert.deepEqual(harness.server.list(pods), []);
  assert.equal(harness.writes('PATCH').length, count);
  assert.equal(harness.writes('DELETE').length, count);
  assert.equal(harness.server.requests.filter(({ isWatch }) => !isWatch).length, 2 * count);
  assert.equal(life.controller.observed(podRef(all[0] ?? {}).uid), undefined);
});
