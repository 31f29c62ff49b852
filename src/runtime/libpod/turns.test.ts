import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

const { signal } = new AbortController();

test('things of one key happen one after another, of two keys at once, and a failure holds up nobody', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = turns.take('a', { signal }, async () => {
    seen.push('first begins');
    await gate;
    throw new Error('first fails');
  });
  const second = turns.take('a', { signal }, async () => void seen.push('second'));
  await turns.take('b', { signal }, async () => void seen.push('other'));
  open();
  await assert.rejects(first, /first fails/);
  await second;
  assert.deepEqual(seen, ['first begins', 'other', 'second']);
});

test('who has given up does nothing when the turn comes', async () => {
  const turns = new Turns();
  const reason = new Error('given up');
  await assert.rejects(
    turns.take('a', { signal: AbortSignal.abort(reason) }, () => Promise.reject(new Error('it was done'))),
    reason,
  );
});
