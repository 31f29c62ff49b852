import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from './agent-message.ts';

/** As the session-manager-plugin writes it. */
const written = Buffer.from(
  '00000074696e7075745f73747265616d5f6461746120202020202020202020202020202000000001' +
    '0000015e0baa788400000000000000070000000000000002a508b5f073f31b16dd01e56bff48483e' +
    '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b98240000000100000005' +
    '68656c6c6f',
  'hex',
);

const message = {
  type: 'input_stream_data',
  sequence: 7,
  flags: 2,
  id: 'dd01e56b-ff48-483e-a508-b5f073f31b16',
  createdMs: 1_503_434_274_948,
  payloadType: 1,
  payload: Buffer.from('hello'),
};

test('a message of the plugin is read', () => assert.deepEqual(decodeMessage(written), message));

test('a message is written as the plugin writes it', () =>
  assert.equal(encodeMessage(message).toString('hex'), written.toString('hex')));

test('what is no message, or was changed on its way, is refused', () => {
  assert.throws(() => decodeMessage(Buffer.from('short')), /not a message/);
  const changed = Buffer.from(written);
  changed.set([0], changed.length - 1);
  assert.throws(() => decodeMessage(changed), /digest/);
});
