import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../support/random.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { Backoff, backoffDelayMs, jitteredBackoffDelayMs } from './backoff.ts';

const range = { baseMs: 10_000, capMs: 300_000 };

describe('backoffDelayMs', () => {
  for (const [attempt, expectedMs] of [
    [0, 10_000],
    [1, 20_000],
    [4, 160_000],
    [5, 300_000],
    [5000, 300_000],
    [-1, 10_000],
  ] as const) {
    it(`waits ${expectedMs} ms before try ${attempt + 1}`, () => {
      assert.equal(backoffDelayMs(attempt, range), expectedMs);
    });
  }

  it('keeps a jittered wait between half and all of the plain one', () => {
    const random = seededRandom(1);
    for (let attempt = 0; attempt < 200; attempt++) {
      const plainMs = backoffDelayMs(attempt, range);
      const delayMs = jitteredBackoffDelayMs(attempt, range, random);
      assert.ok(delayMs > plainMs / 2 && delayMs <= plainMs, `${delayMs} of ${plainMs}`);
    }
  });
});

describe('Backoff', () => {
  const setUp = () => {
    const clock = new FakeClock();
    return { clock, backoff: new Backoff(range, { clock, random: () => 0 }) };
  };

  it('doubles for each key on its own', () => {
    const { backoff } = setUp();
    assert.deepEqual(
      [backoff.nextDelayMs('a'), backoff.nextDelayMs('a'), backoff.nextDelayMs('b')],
      [10_000, 20_000, 10_000],
    );
    assert.equal(backoff.failures('a'), 2);
  });

  it('starts anew after a reset', () => {
    const { backoff } = setUp();
    backoff.nextDelayMs('a');
    backoff.reset('a');
    assert.equal(backoff.failures('a'), 0);
    assert.equal(backoff.nextDelayMs('a'), 10_000);
  });

  it('remembers a key that fails once each capMs and forgets one quiet for longer than twice capMs', async () => {
    const { clock, backoff } = setUp();
    for (let count = 0; count < 10; count++) {
      backoff.nextDelayMs('busy');
      await clock.advance(range.capMs);
    }
    assert.equal(backoff.failures('busy'), 10);
    await clock.advance(2 * range.capMs + 1);
    assert.equal(backoff.failures('busy'), 0);
    assert.equal(backoff.nextDelayMs('busy'), 10_000);
  });

  it('frees the memory of keys that went quiet', async () => {
    const { clock, backoff } = setUp();
    for (let index = 0; index < 100; index++) backoff.nextDelayMs(`pod-${index}`);
    await clock.advance(2 * range.capMs + 1);
    backoff.nextDelayMs('late');
    assert.equal(backoff.size, 1);
  });
});
