import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../support/random.ts';
import { collectMultiplexed } from './multiplexed-output.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

async function* inPieces(bytes: Buffer, nextLength: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const length = nextLength();
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

describe('multiplexed output', () => {
  const bytes = Buffer.concat([frame(1, 'one'), frame(2, 'bad'), frame(1, ''), frame(1, ' two'), frame(2, ' news')]);

  test('is taken apart however it is cut', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const pieces = inPieces(bytes, () => 1 + Math.floor(random() * 12));
      const { stdout, stderr } = await collectMultiplexed(pieces, { maxBytes: 100 });
      assert.deepEqual([`${stdout}`, `${stderr}`], ['one two', 'bad news'], `seed ${seed}`);
    }
  });

  test('is kept up to the bound, for each stream', async () => {
    const { stdout, stderr } = await collectMultiplexed(
      inPieces(bytes, () => 5),
      { maxBytes: 5 },
    );
    assert.deepEqual([`${stdout}`, `${stderr}`], ['one t', 'bad n']);
  });

  test('that breaks off within a frame gives what came', async () => {
    const { stdout } = await collectMultiplexed(
      inPieces(bytes.subarray(0, 10), () => 100),
      { maxBytes: 5 },
    );
    assert.equal(`${stdout}`, 'on');
  });
});
