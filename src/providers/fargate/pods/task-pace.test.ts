import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { steadyPaceMs, wavePaceMs } from './task-pace.ts';

describe('a look is good', () => {
  const waves: readonly (readonly [number, number, number])[] = [
    // tasks, seconds since they began, seconds that a look is good for
    [1, 0, 1],
    [1, 60, 1],
    [1, 600, 1.5],
    [10, 0, 1],
    [10, 60, 1.5],
    [50, 10, 2.5],
    [100, 0, 5],
    [100, 20, 5],
    [100, 60, 15],
    [100, 600, 30],
    [1000, 0, 6],
    [1000, 60, 15],
  ];
  for (const [size, age, seconds] of waves) {
    it(`${seconds} s while ${size} have been on their way for ${age} s`, () => {
      assert.equal(wavePaceMs(size, age * 1000), seconds * 1000);
    });
  }

  for (const [count, seconds] of [
    [1, 5],
    [500, 5],
    [1000, 10],
    [10_000, 30],
  ] as const) {
    it(`${seconds} s while ${count} run`, () => assert.equal(steadyPaceMs(count), seconds * 1000));
  }
});
