import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from './wait-for.ts';

test('waiting ends with what the attempt gives at last', async () => {
  let tries = 0;
  const attempt = async () => {
    tries += 1;
    if (tries === 1) throw new Error('not yet');
    return tries === 3 ? 'there' : undefined;
  };
  assert.equal(await waitFor(attempt, { what: 'it', timeoutMs: 1_000, intervalMs: 1 }), 'there');
});

test('waiting in vain says for what, and what the last attempt said', async () => {
  const attempt = async () => {
    throw new Error('connection refused');
  };
  await assert.rejects(waitFor(attempt, { what: 'the moon', timeoutMs: 10, intervalMs: 1 }), (error: Error) => {
    assert.equal(error.message, 'Waited 0.01 s for the moon, in vain.');
    assert.equal((error.cause as Error).message, 'connection refused');
    return true;
  });
});

test('waiting ends at once when it is of no use', async () => {
  const check = () => {
    throw new Error('it is dead');
  };
  await assert.rejects(
    waitFor(async () => false, { what: 'it', timeoutMs: 60_000, check }),
    /it is dead/,
  );
});

test('waiting can be ended from outside', async () => {
  const waiting = waitFor(async () => false, { what: 'it', timeoutMs: 60_000, signal: AbortSignal.timeout(10) });
  await assert.rejects(waiting, /aborted/);
});
