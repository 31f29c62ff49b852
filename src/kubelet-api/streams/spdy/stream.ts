import { Duplex } from 'node:stream';
import { CodedError } from '../../../support/errors.ts';

/** What may wait for the reader of one stream before the whole connection is held back. */
const readMarkBytes = 256 * 1024;
const writeMarkBytes = 64 * 1024;
/** One frame carries no more, so that streams take turns. */
const maxFrameBytes = 64 * 1024;

/** What a stream needs of its connection. */
export interface StreamLink {
  /** Sends a frame; `done` when more may be sent. */
  write(bytes: Buffer, fin: boolean, done: () => void): void;
  reset(): void;
  readerIsBehind(behind: boolean): void;
  closed(): void;
}

/**
 * One stream of a SPDY connection. It may end in one direction and live on in the other; destroyed before our side has
 * ended, it is reset.
 */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly #link: StreamLink;
  #receivedAll = false;
  #sentAll = false;
  #peerReset = false;
  #behind = false;

  constructor(id: number, link: StreamLink) {
    super({ allowHalfOpen: true, readableHighWaterMark: readMarkBytes, writableHighWaterMark: writeMarkBytes });
    this.id = id;
    this.#link = link;
    // A stream that is dropped is no error of ours; whoever uses it learns of it by its own call.
    this.on('error', () => {});
  }

  /** For the connection: bytes have come in. */
  receive(bytes: Buffer, fin: boolean): void {
    if (this.destroyed || this.#receivedAll) return;
    if (bytes.length > 0 && !this.push(bytes) && !this.#behind) {
      this.#behind = true;
      this.#link.readerIsBehind(true);
    }
    if (fin) {
      this.#receivedAll = true;
      this.push(null);
    }
  }

  /** For the connection: the client wants nothing of this stream any more. */
  resetByPeer(): void {
    this.#peerReset = true;
    this.destroy(new CodedError('Unavailable', 'the client has reset the stream'));
  }

  override _read(): void {
    if (!this.#behind) return;
    this.#behind = false;
    this.#link.readerIsBehind(false);
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    const frame = chunk.subarray(0, maxFrameBytes);
    const rest = chunk.subarray(maxFrameBytes);
    this.#link.write(frame, false, () => {
      if (rest.length === 0 || this.destroyed) callback();
      else this._write(rest, _encoding, callback);
    });
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#sentAll = true;
    this.#link.write(Buffer.alloc(0), true, () => {});
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // Once we have ended our side, a reset could only take from the client what it has not read yet.
    if (!this.#peerReset && !this.#sentAll) this.#link.reset();
    this.#link.closed();
    callback(error);
  }
}
