import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { createInflate, deflateSync } from 'node:zlib';
import { CodedError } from '../../../support/errors.ts';
import { seededRandom } from '../../../support/random.ts';
import { SpdyClient } from '../../testing/spdy-client.ts';
import { headerDictionary } from './dictionary.ts';
import { EmptyHeaderWriter, HeaderReader } from './header-block.ts';

/** A block of these headers, compressed as the first or a later one of a connection. */
function compressor(): (headers: Readonly<Record<string, string>>) => Promise<Buffer> {
  const client = new SpdyClient(new PassThrough());
  return (headers) => {
    const entries = Object.entries(headers);
    const block = Buffer.alloc(4);
    block.writeUInt32BE(entries.length, 0);
    const texts = entries.flat().map((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(text), 0);
      return Buffer.concat([length, Buffer.from(text)]);
    });
    return client.compress(Buffer.concat([block, ...texts]));
  };
}

test('the dictionary is the one of the specification', () => {
  let a = 1;
  let b = 0;
  for (const byte of headerDictionary) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  // zlib puts this checksum into the first block, so it is known from the wire.
  assert.equal(headerDictionary.length, 1423);
  assert.equal((b * 65_536 + a).toString(16), 'e3c6a7c2');
});

test('a thousand blocks of one connection are read, each with what came before', async () => {
  const compress = compressor();
  const reader = new HeaderReader();
  for (let round = 0; round < 1000; round++) {
    const headers = { streamtype: round % 2 === 0 ? 'error' : 'data', port: `${8000 + round}`, requestid: `${round}` };
    const block = await compress(headers);
    if (round > 1) assert.ok(block.length < 60, 'compressed with the history');
    assert.deepEqual(Object.fromEntries(reader.read(block)), headers);
  }
});

test('names come out in lower case, and values as they are', async () => {
  const headers = new HeaderReader().read(await compressor()({ StreamType: 'STDIN', 'x-ü': 'ß' }));
  assert.deepEqual(Object.fromEntries(headers), { streamtype: 'STDIN', 'x-ü': 'ß' });
});

describe('headers that are refused', () => {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value, 0);
    return bytes;
  };
  const table: readonly [name: string, block: Buffer][] = [
    ['without zlib header', Buffer.from('ffffffff', 'hex')],
    ['of one byte', Buffer.from('78', 'hex')],
    ['of none', Buffer.alloc(0)],
    ['that are no deflate', Buffer.from('7801ffffffffffffff', 'hex')],
    ['that announce more than there are', deflateSync(Buffer.concat([number(1), number(100), Buffer.from('a')]))],
    ['with a length beyond the block', deflateSync(Buffer.concat([number(1), number(0xffffffff)]))],
    ['without even a count', deflateSync(Buffer.from('ab'))],
    ['a thousand of them', deflateSync(Buffer.concat([number(1000), Buffer.alloc(8000)]))],
    ['that blow up to 100 MiB', deflateSync(Buffer.alloc(100 * 1024 * 1024))],
  ];
  for (const [name, block] of table) {
    test(name, () => {
      assert.throws(() => new HeaderReader().read(block), { name: 'CodedError', code: 'InvalidInput' });
    });
  }

  test('random ones, by the thousand', async () => {
    const random = seededRandom(7);
    const good = await compressor()({ streamtype: 'data', port: '80' });
    for (let round = 0; round < 5000; round++) {
      const block = Buffer.from(good);
      for (let changes = 0; changes < 3; changes++) {
        block.writeUInt8(Math.floor(random() * 256), Math.floor(random() * block.length));
      }
      try {
        new HeaderReader().read(block.subarray(0, Math.floor(random() * block.length) + 1));
      } catch (error) {
        assert.ok(error instanceof CodedError && error.code === 'InvalidInput', String(error));
      }
    }
  });
});

test('written blocks are one zlib stream of empty headers, and each comes out when it is there', async () => {
  const writer = new EmptyHeaderWriter();
  const inflate = createInflate();
  let out = 0;
  inflate.on('data', (piece: Buffer) => {
    out += piece.length;
    assert.ok(piece.every((byte) => byte === 0));
  });
  for (let round = 1; round <= 5; round++) {
    inflate.write(writer.next());
    await new Promise<void>((resolve) => inflate.flush(resolve));
    assert.equal(out, round * 4);
  }
});
