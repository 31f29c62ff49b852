import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { OwnUsage } from './own-usage.ts';

test('this process uses CPU and memory, with a rate from the second reading on', async () => {
  const clock = new FakeClock();
  const own = new OwnUsage(clock);
  const first = own.read();
  assert.ok(first.startedAtMs < clock.now());
  assert.equal(first.cpu.rateNs, undefined);
  assert.ok(first.memory.workingSetBytes > 10 * 2 ** 20 && (first.memory.swapBytes ?? -1) >= 0);
  let work = 0;
  while (process.cpuUsage().user + process.cpuUsage().system < first.cpu.totalNs / 1000 + 20_000) work++;
  await clock.advance(2000);
  const second = own.read();
  assert.ok(work > 0 && second.cpu.totalNs > first.cpu.totalNs);
  assert.equal(second.cpu.rateNs, (second.cpu.totalNs - first.cpu.totalNs) / 2);
  assert.equal(own.read().cpu.rateNs, undefined, 'no time has passed');
});
