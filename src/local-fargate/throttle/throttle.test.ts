import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { Throttle } from './throttle.ts';

function allowed(throttle: Throttle, tries: number): number {
  return Array.from({ length: tries }).filter(() => {
    try {
      throttle.take('definition-modify');
      return true;
    } catch {
      return false;
    }
  }).length;
}

test('a burst is taken at once, then so many a second, and no more is saved than the burst', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle({ clock, factor: () => 1 });
  assert.equal(allowed(throttle, 30), 20);
  await clock.advance(2000);
  assert.equal(allowed(throttle, 30), 2);
  await clock.advance(3_600_000);
  assert.equal(allowed(throttle, 30), 20);
});

test('a factor multiplies the rates, and 0 lifts them', () => {
  let factor = 0.5;
  const throttle = new Throttle({ clock: new FakeClock(), factor: () => factor });
  assert.equal(allowed(throttle, 30), 10);
  factor = 0;
  assert.equal(allowed(throttle, 1000), 1000);
});
