import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSignals } from './stop-signals.ts';

for (const [what, timesMs, expected] of [
  ['one signal asks for the gentle end', [5], ['stop']],
  ['signals within a second of the first ask for nothing new', [0, 0, 3, 999], ['stop', 'same', 'same', 'same']],
  ['a signal after that asks to leave at once', [0, 2, 1000], ['stop', 'same', 'leave']],
] as const) {
  test(what, () => {
    let nowMs = 0;
    const read = readSignals({ now: () => nowMs });
    const meanings = timesMs.map((atMs) => {
      nowMs = atMs;
      return read();
    });
    assert.deepEqual(meanings, expected);
  });
}
