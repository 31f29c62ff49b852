import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { seededRandom } from '../support/random.ts';
import { LineSplitter } from './json-lines.ts';

describe('LineSplitter', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`gives the same lines wherever the bytes are cut (seed ${seed})`, () => {
      const random = seededRandom(seed);
      const lines = Array.from({ length: 200 }, (_, index) => `${index} ${'ä€😀'.repeat(Math.floor(random() * 20))}`);
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      const splitter = new LineSplitter(1000);
      const seen: string[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + Math.floor(random() ** 3 * 500);
        seen.push(...splitter.push(bytes.subarray(at, end)));
        at = end;
      }
      assert.deepEqual(seen, lines);
      assert.equal(splitter.isInLine, false);
    });
  }

  it('says when it stands in the middle of a line', () => {
    const splitter = new LineSplitter(10);
    assert.deepEqual([...splitter.push(Buffer.from('a\nb'))], ['a']);
    assert.equal(splitter.isInLine, true);
  });

  it('refuses a line without end', () => {
    const splitter = new LineSplitter(10);
    assert.throws(
      () => [...splitter.push(Buffer.from('12345678')), ...splitter.push(Buffer.from('12345678'))],
      (error) => hasCode(error, 'Internal'),
    );
  });
});
