import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern } from './filter-pattern.ts';

const message = '[ERROR] cannot open file "a.txt"';
for (const [pattern, fits] of [
  ['', true],
  ['ERROR', true],
  ['error', false],
  ['ERROR file', true],
  ['ERROR socket', false],
  ['?WARN ?ERROR', true],
  ['?WARN ?INFO', false],
  ['ERROR -file', false],
  ['"open file"', true],
  ['"file open"', false],
  ['-"file open"', true],
  ['%f[il]+e%', true],
] as const) {
  test(`the pattern ${pattern || 'of nothing'} ${fits ? 'fits' : 'does not fit'}`, () =>
    assert.equal(compilePattern(pattern)(message), fits));
}

test('patterns of JSON are refused by name', () => {
  assert.throws(() => compilePattern('{ $.level = "error" }'), /JSON/);
});
