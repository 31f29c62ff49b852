import { createHash } from 'node:crypto';
import { CodedError } from '../../support/errors.ts';

/**
 * A message of a Session Manager data channel, as agent and session-manager-plugin exchange them: a header of fixed
 * fields, big-endian, and a payload.
 */
export interface AgentMessage {
  readonly type: string;
  /** Counts the messages of one direction from 0. */
  readonly sequence: number;
  readonly flags: number;
  /** A UUID. */
  readonly id: string;
  readonly createdMs: number;
  readonly payloadType: number;
  readonly payload: Uint8Array;
}

export const messageTypes = {
  input: 'input_stream_data',
  output: 'output_stream_data',
  acknowledge: 'acknowledge',
  closed: 'channel_closed',
} as const;

/** What a message of input or output carries. */
export const payloadTypes = {
  bytes: 1,
  size: 3,
  handshakeRequest: 5,
  handshakeResponse: 6,
  handshakeComplete: 7,
  flag: 10,
} as const;

/** The payload of a flag that ends the session. */
export const terminateFlag = 2;

/** The first and the last message of its kind: of messages that are no part of a sequence. */
export const onlyOne = 0b11;

/** Where each field begins. The length of the header does not count the payload's length, which follows it. */
const at = {
  headerLength: 0,
  type: 4,
  schemaVersion: 36,
  created: 40,
  sequence: 48,
  flags: 56,
  id: 64,
  digest: 80,
  payloadType: 112,
  payloadLength: 116,
  payload: 120,
} as const;

export function encodeMessage(message: AgentMessage): Buffer {
  const { payload } = message;
  const bytes = Buffer.alloc(at.payload + payload.length);
  bytes.writeUInt32BE(at.payloadLength, at.headerLength);
  bytes.fill(' ', at.type, at.schemaVersion).write(message.type, at.type);
  bytes.writeUInt32BE(1, at.schemaVersion);
  bytes.writeBigUInt64BE(BigInt(message.createdMs), at.created);
  bytes.writeBigInt64BE(BigInt(message.sequence), at.sequence);
  bytes.writeBigUInt64BE(BigInt(message.flags), at.flags);
  bytes.set(swapHalves(Buffer.from(message.id.replaceAll('-', ''), 'hex')), at.id);
  bytes.set(createHash('sha256').update(payload).digest(), at.digest);
  bytes.writeUInt32BE(message.payloadType, at.payloadType);
  bytes.writeUInt32BE(payload.length, at.payloadLength);
  bytes.set(payload, at.payload);
  return bytes;
}

/** Throws `InvalidInput` for what is no message, or not the one that was sent. */
export function decodeMessage(bytes: Buffer): AgentMessage {
  if (bytes.length < at.payload || bytes.readUInt32BE(at.headerLength) !== at.payloadLength) {
    throw new CodedError('InvalidInput', 'not a message of a data channel');
  }
  const payload = bytes.subarray(at.payload);
  if (
    payload.length > 0 &&
    !createHash('sha256').update(payload).digest().equals(bytes.subarray(at.digest, at.payloadType))
  ) {
    throw new CodedError('InvalidInput', 'the digest of a message is not that of its payload');
  }
  return {
    // Padded with blanks or zeros.
    type: bytes.toString('latin1', at.type, at.schemaVersion).replace(/[\0 ]+$/, ''),
    sequence: Number(bytes.readBigInt64BE(at.sequence)),
    flags: Number(bytes.readBigUInt64BE(at.flags)),
    id: toUuid(swapHalves(bytes.subarray(at.id, at.digest))),
    createdMs: Number(bytes.readBigUInt64BE(at.created)),
    payloadType: bytes.readUInt32BE(at.payloadType),
    payload,
  };
}

/** A UUID travels with its second half first. */
function swapHalves(uuid: Buffer): Buffer {
  return Buffer.concat([uuid.subarray(8), uuid.subarray(0, 8)]);
}

function toUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
