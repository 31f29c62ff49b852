import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration } from './go-duration.ts';

test('a duration is printed as Go prints it', () => {
  for (const [ms, text] of [
    [0, '0s'],
    [0.4, '0s'],
    [150.7, '150ms'],
    [1500, '1.5s'],
    [10_000, '10s'],
    [80_000, '1m20s'],
    [300_000, '5m0s'],
    [3_661_001, '1h1m1.001s'],
  ] as const) {
    assert.equal(goDuration(ms), text);
  }
});
