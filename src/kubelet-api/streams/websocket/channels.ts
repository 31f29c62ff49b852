import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { CodedError } from '../../../support/errors.ts';
import { IdleTimer } from '../idle-timer.ts';
import { SignOfLife } from '../sign-of-life.ts';
import { lingerMs, type StreamTimeouts } from '../timeouts.ts';

/** How messages name their channel: by a first byte, or by a first digit with the rest in base64. */
export type ChannelEncoding = 'binary' | 'base64';

export interface ChannelsOptions {
  readonly ws: WebSocket;
  /** What `ws` is on. */
  readonly socket: Duplex;
  readonly encoding: ChannelEncoding;
  /** v5: a message on channel 255 names a channel on which the client will send no more. */
  readonly halfClose: boolean;
  readonly timeouts: StreamTimeouts;
}

const closeSignal = 255;
const readMarkBytes = 256 * 1024;
const writeMarkBytes = 64 * 1024;
/** One message carries no more, so that channels take turns. */
const maxMessageBytes = 64 * 1024;

/**
 * Many streams in one WebSocket. While a reader is behind, the connection is not read. A writer waits until it has
 * drained.
 */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #channels = new Map<number, Channel>();
  readonly #behind = new Set<Channel>();
  readonly #idle: IdleTimer;
  readonly #signOfLife: SignOfLife;
  #waitingForDrain: (() => void)[] = [];
  #closing = false;

  constructor(options: ChannelsOptions) {
    const { ws, socket, timeouts } = options;
    this.#options = options;
    this.#idle = new IdleTimer(timeouts.clock, timeouts.idleMs, () => ws.terminate());
    // Where the client does not read either, one more would only wait with the rest.
    this.#signOfLife = new SignOfLife(timeouts.clock, () => socket.writableNeedDrain || ws.pong());
    ws.on('message', (data) => this.#receive(data));
    ws.on('ping', () => this.#idle.touch());
    ws.on('error', () => ws.terminate());
    socket.on('drain', () => this.#drained());
    socket.once('close', () => this.#closed());
  }

  /**
   * A channel for what the client sends, what we send, or both. Our end of it is not told: the protocols have no word
   * for it but the end of all.
   */
  open(number: number, use: { readonly readable: boolean; readonly writable: boolean }): Duplex {
    const channel = new Channel(use, {
      write: (bytes, done) => this.#write(number, bytes, done),
      readerIsBehind: (behind) => this.#hold(channel, behind),
    });
    this.#channels.set(number, channel);
    return channel;
  }

  /** Begins to read. What arrives for a channel that is not open is dropped. */
  start(): void {
    this.#options.ws.resume();
  }

  /** Tells the client that all is said, and cuts the connection where it does not hang up soon. */
  close(): void {
    if (this.#closing) return;
    const { ws, timeouts, socket } = this.#options;
    this.#closing = true;
    this.#signOfLife.stop();
    ws.resume();
    ws.close(1000);
    const linger = timeouts.clock.after(lingerMs, () => ws.terminate());
    socket.once('close', () => linger.cancel());
  }

  #receive(data: RawData): void {
    this.#idle.touch();
    if (this.#closing || !Buffer.isBuffer(data) || data.length === 0) return;
    const first = data.readUInt8(0);
    if (this.#options.halfClose && first === closeSignal) {
      if (data.length === 2) this.#channels.get(data.readUInt8(1))?.receiveEnd();
      else this.#options.ws.terminate();
    } else if (this.#options.encoding === 'binary') {
      this.#channels.get(first)?.receive(data.subarray(1));
    } else {
      this.#channels.get(first - 0x30)?.receive(Buffer.from(data.toString('latin1', 1), 'base64'));
    }
  }

  #write(channel: number, bytes: Buffer, done: () => void): void {
    const { ws, socket, encoding } = this.#options;
    const rest = bytes.subarray(maxMessageBytes);
    this.#idle.touch();
    const message = bytes.subarray(0, maxMessageBytes);
    if (encoding === 'binary') ws.send(Buffer.concat([Buffer.of(channel), message]));
    else ws.send(`${channel}${message.toString('base64')}`);
    const next = rest.length > 0 ? () => this.#write(channel, rest, done) : done;
    if (socket.writableNeedDrain) this.#waitingForDrain.push(next);
    else next();
  }

  #drained(): void {
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const next of waiting) next();
  }

  #hold(channel: Channel, behind: boolean): void {
    if (behind) this.#behind.add(channel);
    else this.#behind.delete(channel);
    const { ws } = this.#options;
    if (this.#behind.size > 0 && !this.#closing) {
      ws.pause();
      this.#signOfLife.start();
    } else {
      ws.resume();
      this.#signOfLife.stop();
    }
  }

  #closed(): void {
    this.#closing = true;
    this.#idle.cancel();
    this.#signOfLife.stop();
    this.#waitingForDrain = [];
    const gone = new CodedError('Unavailable', 'the client has gone');
    for (const channel of this.#channels.values()) channel.destroy(gone);
  }
}

interface ChannelLink {
  write(bytes: Buffer, done: () => void): void;
  readerIsBehind(behind: boolean): void;
}

class Channel extends Duplex {
  readonly #link: ChannelLink;
  #ended = false;
  #behind = false;

  constructor(use: { readonly readable: boolean; readonly writable: boolean }, link: ChannelLink) {
    super({ ...use, readableHighWaterMark: readMarkBytes, writableHighWaterMark: writeMarkBytes });
    this.#link = link;
    // A channel that is dropped is no error of ours; whoever uses it learns of it by its own call.
    this.on('error', () => {});
  }

  receive(bytes: Buffer): void {
    if (this.destroyed || this.#ended || !this.readable || bytes.length === 0) return;
    if (!this.push(bytes) && !this.#behind) {
      this.#behind = true;
      this.#link.readerIsBehind(true);
    }
  }

  receiveEnd(): void {
    if (this.destroyed || this.#ended || !this.readable) return;
    this.#ended = true;
    this.push(null);
  }

  override _read(): void {
    this.#caughtUp();
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#link.write(chunk, callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#caughtUp();
    callback(error);
  }

  #caughtUp(): void {
    if (!this.#behind) return;
    this.#behind = false;
    this.#link.readerIsBehind(false);
  }
}
