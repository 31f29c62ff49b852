import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { readJsonLines } from './json-lines.ts';

async function* bytes(text: string, length: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += length) yield all.subarray(at, at + length);
}

test('values come one a line, however the bytes are cut', async () => {
  for (const length of [1, 2, 3, 7, 100]) {
    const values = await Array.fromAsync(readJsonLines(bytes('{"a":"ä€"}\n\n{"b":1}\n{"c":2}', length)));
    assert.deepEqual(values, [{ a: 'ä€' }, { b: 1 }, { c: 2 }]);
  }
});

test('a line without an end is not kept for ever', async () => {
  const endless = Array.fromAsync(readJsonLines(bytes('x'.repeat(3 * 2 ** 20), 2 ** 16)));
  await assert.rejects(endless, (error) => hasCode(error, 'Internal'));
});

test('an answer that breaks off within a value is said to', async () => {
  const broken = Array.fromAsync(readJsonLines(bytes('{"a":1}\n{"b"', 4)));
  await assert.rejects(broken, (error) => hasCode(error, 'Unavailable'));
});
