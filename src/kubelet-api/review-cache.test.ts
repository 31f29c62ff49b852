import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { ReviewCache } from './review-cache.ts';

test('equal questions at the same time are asked once', async () => {
  const cache = new ReviewCache<string>({ clock: new FakeClock(), maxEntries: 10 });
  let asked = 0;
  const ask = async (): Promise<{ answer: string; keepMs: number }> => ({ answer: `answer ${++asked}`, keepMs: 1000 });
  const answers = await Promise.all([cache.answer('q', ask), cache.answer('q', ask), cache.answer('other', ask)]);
  assert.deepEqual(answers, ['answer 1', 'answer 1', 'answer 2']);
});

test('what fails is asked again', async () => {
  const cache = new ReviewCache<string>({ clock: new FakeClock(), maxEntries: 10 });
  await assert.rejects(
    cache.answer('q', () => Promise.reject(new Error('away'))),
    /away/,
  );
  assert.equal(await cache.answer('q', async () => ({ answer: 'back', keepMs: 1 })), 'back');
});

test('it never holds more than its bound, and the question asked longest ago goes first', async () => {
  const cache = new ReviewCache<number>({ clock: new FakeClock(), maxEntries: 3 });
  const ask = (answer: number) => async () => ({ answer, keepMs: 1000 });
  for (const question of [1, 2, 3]) await cache.answer(`${question}`, ask(question));
  await cache.answer('1', ask(-1));
  await cache.answer('4', ask(4));
  assert.equal(cache.size, 3);
  assert.equal(await cache.answer('1', ask(-1)), 1);
  assert.equal(await cache.answer('2', ask(-2)), -2);
});
