import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodHarness } from './testing/pod-harness.ts';
import { ScriptedProvider } from './testing/scripted-provider.ts';

for (const [period, resyncPeriodMs, timers] of [
  ['of a minute', 60_000, 1],
  ['of 0', 0, 0],
] as const) {
  test(`a resync period ${period} leaves ${timers} timer waiting for pods at rest`, async (t) => {
    const harness = await PodHarness.set(t, new ScriptedProvider());
    await harness.start({ resyncPeriodMs });
    await harness.untilReady(harness.createPod());
    await harness.settled();
    assert.equal(harness.clock.pending, timers);
  });
}
