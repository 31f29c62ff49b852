import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CodedError } from '../../../support/errors.ts';
import { seededRandom } from '../../../support/random.ts';
import {
  dataFrameHeader,
  goAwayFrame,
  pingFrame,
  rstStreamFrame,
  type SpdyFrame,
  SpdyFrameDecoder,
  synReplyFrame,
} from './frames.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Decodes bytes cut at every `step`, with pieces of data put together again. */
function decode(bytes: Buffer, step = bytes.length): SpdyFrame[] {
  const decoder = new SpdyFrameDecoder();
  const frames: SpdyFrame[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    for (const frame of decoder.decode(bytes.subarray(at, at + step))) {
      const last = frames.at(-1);
      if (frame.kind === 'data' && last?.kind === 'data' && last.streamId === frame.streamId && !last.fin) {
        frames[frames.length - 1] = { ...frame, bytes: Buffer.concat([last.bytes, frame.bytes]) };
      } else frames.push(frame);
    }
  }
  return frames;
}

describe('frames of the specification', () => {
  const table: readonly [name: string, bytes: string, frames: readonly SpdyFrame[]][] = [
    [
      'SYN_STREAM',
      '80030001 0000000d 00000001 00000000 4000 aabbcc',
      [{ kind: 'syn-stream', streamId: 1, fin: false, headerBlock: hex('aabbcc') }],
    ],
    [
      'SYN_STREAM with FIN',
      '80030001 0100000a 00000003 00000000 0000',
      [{ kind: 'syn-stream', streamId: 3, fin: true, headerBlock: hex('') }],
    ],
    ['SYN_REPLY', '80030002 00000006 00000002 1234', [{ kind: 'headers', headerBlock: hex('1234') }]],
    ['HEADERS', '80030008 00000005 00000001 99', [{ kind: 'headers', headerBlock: hex('99') }]],
    ['RST_STREAM', '80030003 00000008 00000005 00000005', [{ kind: 'rst-stream', streamId: 5 }]],
    ['PING', '80030006 00000004 00000007', [{ kind: 'ping', id: 7 }]],
    ['GOAWAY', '80030007 00000008 00000000 00000000', [{ kind: 'go-away' }]],
    ['SETTINGS', '80030004 0000000c 00000001 00000007 00010000', []],
    ['WINDOW_UPDATE', '80030009 00000008 00000001 00010000', []],
    ['DATA', '00000001 00000003 616263', [{ kind: 'data', streamId: 1, fin: false, bytes: Buffer.from('abc') }]],
    ['DATA with FIN', '00000001 01000001 61', [{ kind: 'data', streamId: 1, fin: true, bytes: Buffer.from('a') }]],
    ['an empty DATA with FIN', '00000001 01000000', [{ kind: 'data', streamId: 1, fin: true, bytes: hex('') }]],
    ['an empty DATA', '00000001 00000000', []],
  ];
  for (const [name, bytes, frames] of table) {
    test(`${name} is read, in one piece and byte by byte`, () => {
      assert.deepEqual(decode(hex(bytes)), frames);
      assert.deepEqual(decode(hex(bytes), 1), frames);
    });
  }
  test('all of them in a row are read, wherever they are cut', () => {
    const bytes = hex(table.map(([, text]) => text).join(''));
    const frames = table.flatMap(([, , expected]) => expected);
    // The two DATA frames in a row that are not ended come out as one, here.
    for (let step = 1; step < 40; step++) {
      assert.equal(
        decode(bytes, step)
          .map((frame) => (frame.kind === 'data' ? frame.bytes.toString() : frame.kind))
          .join(' '),
        frames
          .map((frame) => (frame.kind === 'data' ? frame.bytes.toString() : frame.kind))
          .join(' ')
          .replace('abc a', 'abca'),
      );
    }
  });
});

test('a data frame of 16 MiB passes through without being put together', () => {
  const decoder = new SpdyFrameDecoder();
  assert.deepEqual([...decoder.decode(hex('00000001 01ffffff'))], []);
  const piece = Buffer.alloc(65_536);
  let left = 0xffffff;
  for (; left > piece.length; left -= piece.length) {
    const [frame] = decoder.decode(piece);
    assert.ok(frame?.kind === 'data' && !frame.fin && frame.bytes.buffer === piece.buffer);
  }
  const [last] = decoder.decode(piece.subarray(0, left));
  assert.ok(last?.kind === 'data' && last.fin);
});

describe('what breaks the protocol is refused at once', () => {
  const table: readonly [name: string, bytes: string][] = [
    ['data for stream 0', '00000000 00000001'],
    ['a control frame of version 2', '80020006 00000004'],
    ['a control frame of unknown type', '80030042 00000001 00'],
    ['CREDENTIAL, which nobody speaks', '8003000b 00000001 00'],
    ['a control frame of 16 MiB', '80030001 00ffffff'],
    ['an empty control frame', '80030006 00000000'],
    ['a SYN_STREAM cut short', '80030001 00000005 0000000100'],
    ['a SYN_STREAM for stream 0', '80030001 0000000a 80000000 00000000 0000'],
    ['a RST_STREAM cut short', '80030003 00000004 00000001'],
    ['a PING cut short', '80030006 00000001 00'],
  ];
  for (const [name, bytes] of table) {
    test(name, () => {
      assert.throws(() => decode(hex(bytes)), { name: 'CodedError', code: 'InvalidInput' });
      assert.throws(() => decode(hex(bytes), 1), { name: 'CodedError', code: 'InvalidInput' });
    });
  }
});

test('frames that are written are the bytes of the specification', () => {
  assert.equal(dataFrameHeader(1, 3, false).toString('hex'), '0000000100000003');
  assert.equal(dataFrameHeader(0x7fffffff, 0x123456, true).toString('hex'), '7fffffff01123456');
  assert.equal(synReplyFrame(3, hex('aabb')).toString('hex'), '800300020000000600000003aabb');
  assert.equal(rstStreamFrame(3, 5).toString('hex'), '80030003000000080000000300000005');
  assert.equal(pingFrame(0xffffffff).toString('hex'), '8003000600000004ffffffff');
  assert.equal(goAwayFrame(9).toString('hex'), '80030007000000080000000900000000');
});

test('a million random frames end in frames or a refusal, whatever their bytes', () => {
  const random = seededRandom(20_261);
  const byte = (): number => Math.floor(random() * 256);
  let frames = 0;
  let refusals = 0;
  let decoder = new SpdyFrameDecoder();
  for (let round = 0; round < 1_000_000; round++) {
    // A length of megabytes would swallow all the rest as data.
    if (round % 20 === 0) decoder = new SpdyFrameDecoder();
    const length = Math.floor(random() * 24);
    const bytes = Buffer.from(Array.from({ length: 8 + length }, byte));
    // Mostly plausible frames, so that the decoder gets past the first byte.
    if (random() < 0.8) {
      if (random() < 0.7) bytes.writeUInt32BE(0x80030000 + Math.floor(random() * 12), 0);
      bytes.writeUIntBE(random() < 0.9 ? length : byte(), 5, 3);
    }
    try {
      for (const frame of decoder.decode(bytes)) {
        frames++;
        if (frame.kind === 'data') assert.ok(frame.bytes.length <= bytes.length);
      }
    } catch (error) {
      assert.ok(error instanceof CodedError && error.code === 'InvalidInput', String(error));
      refusals++;
      decoder = new SpdyFrameDecoder();
    }
  }
  assert.ok(frames > 100_000 && refusals > 100_000, `${frames} frames, ${refusals} refusals`);
});
