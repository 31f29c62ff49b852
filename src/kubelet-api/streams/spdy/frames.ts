import { CodedError } from '../../../support/errors.ts';

/**
 * SPDY/3.1 as Kubernetes' clients speak it, from the side of a server. Frames that have no meaning there (SETTINGS,
 * WINDOW_UPDATE) are read over.
 */
export type SpdyFrame =
  | { readonly kind: 'syn-stream'; readonly streamId: number; readonly fin: boolean; readonly headerBlock: Buffer }
  /** SYN_REPLY and HEADERS: nothing is done with them, but their headers are part of the compressed history. */
  | { readonly kind: 'headers'; readonly headerBlock: Buffer }
  | { readonly kind: 'rst-stream'; readonly streamId: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'go-away' }
  /** A piece of a DATA frame as it came in, never put together; `fin` comes with the last piece. */
  | { readonly kind: 'data'; readonly streamId: number; readonly fin: boolean; readonly bytes: Buffer };

const version = 3;
const type = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 };
const finFlag = 0x01;
const frameHeaderBytes = 8;
/** Control frames are put together before they are read; those of kubectl have some hundred bytes. */
const maxControlBytes = 16 * 1024;

/** The words for a client that does not keep to the protocol; its connection is cut. */
export function spdyViolation(what: string): CodedError {
  return new CodedError('InvalidInput', `the client broke the SPDY protocol: ${what}`);
}

/** Turns bytes into frames. Holds at most one control frame; data passes through as slices of what was given. */
export class SpdyFrameDecoder {
  readonly #header = Buffer.alloc(frameHeaderBytes);
  #headerFilled = 0;
  #control: { readonly payload: Buffer; filled: number } | undefined;
  #dataLeft = 0;

  /** The frames that `chunk` completes, and the pieces of data in it. Throws `InvalidInput` at the first violation. */
  *decode(chunk: Buffer): Generator<SpdyFrame> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFilled < frameHeaderBytes) {
        const copied = chunk.copy(this.#header, this.#headerFilled, at);
        this.#headerFilled += copied;
        at += copied;
        if (this.#headerFilled < frameHeaderBytes) return;
        this.#begin();
      }
      if (this.#control !== undefined) {
        const copied = chunk.copy(this.#control.payload, this.#control.filled, at);
        this.#control.filled += copied;
        at += copied;
        if (this.#control.filled < this.#control.payload.length) return;
        const frame = readControlFrame(this.#header, this.#control.payload);
        this.#end();
        if (frame !== undefined) yield frame;
      } else {
        const bytes = chunk.subarray(at, at + this.#dataLeft);
        this.#dataLeft -= bytes.length;
        at += bytes.length;
        const last = this.#dataLeft === 0;
        const fin = last && (this.#header.readUInt8(4) & finFlag) !== 0;
        const streamId = this.#header.readUInt32BE(0);
        if (last) this.#end();
        if (bytes.length > 0 || fin) yield { kind: 'data', streamId, fin, bytes };
      }
    }
  }

  #begin(): void {
    const first = this.#header.readUInt32BE(0);
    const length = this.#header.readUIntBE(5, 3);
    if (first < 0x80000000) {
      if (first === 0) throw spdyViolation('data for stream 0');
      this.#dataLeft = length;
      return;
    }
    if (((first >>> 16) & 0x7fff) !== version) throw spdyViolation('a control frame of another version');
    if (length > maxControlBytes) throw spdyViolation(`a control frame of ${length} bytes`);
    if (length === 0) throw spdyViolation('an empty control frame');
    this.#control = { payload: Buffer.allocUnsafe(length), filled: 0 };
  }

  #end(): void {
    this.#headerFilled = 0;
    this.#control = undefined;
  }
}

function readControlFrame(header: Buffer, payload: Buffer): SpdyFrame | undefined {
  const need = (bytes: number): void => {
    if (payload.length < bytes) throw spdyViolation(`a control frame of type ${header.readUInt16BE(2)} cut short`);
  };
  switch (header.readUInt16BE(2)) {
    case type.synStream: {
      need(10);
      const fin = (header.readUInt8(4) & finFlag) !== 0;
      return { kind: 'syn-stream', streamId: streamIdOf(payload), fin, headerBlock: payload.subarray(10) };
    }
    case type.synReply:
    case type.headers:
      need(4);
      return { kind: 'headers', headerBlock: payload.subarray(4) };
    case type.rstStream:
      need(8);
      return { kind: 'rst-stream', streamId: streamIdOf(payload) };
    case type.ping:
      need(4);
      return { kind: 'ping', id: payload.readUInt32BE(0) };
    case type.goAway:
      need(8);
      return { kind: 'go-away' };
    case type.settings:
    case type.windowUpdate:
      return undefined;
    default:
      throw spdyViolation(`a control frame of type ${header.readUInt16BE(2)}`);
  }
}

function streamIdOf(payload: Buffer): number {
  const streamId = payload.readUInt32BE(0) & 0x7fffffff;
  if (streamId === 0) throw spdyViolation('a control frame for stream 0');
  return streamId;
}

/** The head of a DATA frame; its `length` bytes (below 2^24) follow. */
export function dataFrameHeader(streamId: number, length: number, fin: boolean): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes);
  frame.writeUInt32BE(streamId, 0);
  frame.writeUInt32BE(length, 4);
  if (fin) frame.writeUInt8(finFlag, 4);
  return frame;
}

/** `headerBlock` is compressed already. */
export function synReplyFrame(streamId: number, headerBlock: Buffer): Buffer {
  return Buffer.concat([controlFrame(type.synReply, 4 + headerBlock.length, [streamId]), headerBlock]);
}

export const rstStatus = { refusedStream: 3, cancel: 5 } as const;

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return controlFrame(type.rstStream, 8, [streamId, status]);
}

export function pingFrame(id: number): Buffer {
  return controlFrame(type.ping, 4, [id]);
}

/** Says that no more streams are taken, and nothing went wrong. */
export function goAwayFrame(lastStreamId: number): Buffer {
  return controlFrame(type.goAway, 8, [lastStreamId, 0]);
}

/** A control frame that begins with `words`; `length` counts what follows them, too. */
function controlFrame(frameType: number, length: number, words: readonly number[]): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + words.length * 4);
  frame.writeUInt16BE(0x8000 | version, 0);
  frame.writeUInt16BE(frameType, 2);
  frame.writeUInt32BE(length, 4);
  for (const [index, word] of words.entries()) frame.writeUInt32BE(word, frameHeaderBytes + index * 4);
  return frame;
}
