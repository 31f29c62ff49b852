import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TerminalSize } from '../../provider/process-streams.ts';
import { TerminalSizes } from './terminal-sizes.ts';

/** What a reader gets who reads after each write. */
async function readAll(writes: readonly string[]): Promise<TerminalSize[]> {
  const sizes = new TerminalSizes();
  const read: TerminalSize[] = [];
  const reading = (async () => {
    for await (const size of sizes) read.push(size);
  })();
  for (const text of writes) {
    sizes.write(Buffer.from(text));
    await new Promise(setImmediate);
  }
  sizes.end();
  await reading;
  return read;
}

describe('sizes of a terminal', () => {
  const table: readonly [name: string, writes: readonly string[], sizes: readonly [number, number][]][] = [
    ['one', ['{"Width":80,"Height":24}'], [[80, 24]]],
    [
      'two, with the line ends of Go',
      ['{"Width":80,"Height":24}\n', '{"Width":81,"Height":25}\n'],
      [
        [80, 24],
        [81, 25],
      ],
    ],
    ['cut anywhere', ['{"Wid', 'th":80,"Hei', 'ght":24', '}'], [[80, 24]]],
    ['many at once: the newest', ['{"Width":1,"Height":1}{"Width":2,"Height":2}{"Width":3,"Height":3}'], [[3, 3]]],
    ['none after nonsense', ['{"Width":80,"Height":24}', '{nonsense}', '{"Width":81,"Height":25}'], [[80, 24]]],
    ['none of a negative size', ['{"Width":-1,"Height":24}'], []],
    ['none beyond 16 bits', ['{"Width":65536,"Height":24}'], []],
    ['none of a text', ['{"Width":"80","Height":24}'], []],
    ['none of an endless text', ['x'.repeat(2000), '{"Width":80,"Height":24}'], []],
    ['none of nothing', [''], []],
  ];
  for (const [name, writes, sizes] of table) {
    test(name, async () => {
      assert.deepEqual(
        (await readAll(writes)).map(({ width, height }) => [width, height]),
        sizes,
      );
    });
  }

  test('a slow reader gets only the newest', async () => {
    const sizes = new TerminalSizes();
    const reader = sizes[Symbol.asyncIterator]();
    for (let width = 1; width <= 1000; width++) sizes.write(Buffer.from(`{"Width":${width},"Height":1}`));
    assert.deepEqual((await reader.next()).value, { width: 1000, height: 1 });
    sizes.end();
    assert.equal((await reader.next()).done, true);
  });
});
