import { EventEmitter, once } from 'node:events';
import type { Duplex } from 'node:stream';
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { headerDictionary } from '../streams/spdy/dictionary.ts';

/** What a client sees of one of its streams. */
export class ClientStream extends EventEmitter {
  readonly id: number;
  received: Buffer[] = [];
  receivedBytes = 0;
  replied = false;
  ended = false;
  reset = false;

  constructor(id: number) {
    super();
    this.id = id;
  }

  text(): string {
    return Buffer.concat(this.received).toString();
  }

  /** Resolves when the server has ended or reset the stream. */
  async done(): Promise<void> {
    if (!this.ended && !this.reset) await once(this, 'done');
  }
}

/**
 * A SPDY/3.1 client for tests, in the manner of the Go one: compresses with zlib itself, has no windows, keeps reading
 * unless paused. Written against the specification and not with the server's code.
 */
export class SpdyClient {
  readonly transport: Duplex;
  readonly streams = new Map<number, ClientStream>();
  readonly pings: number[] = [];
  goAway = false;
  #buffered: Buffer = Buffer.alloc(0);
  #nextId = 1;
  #opening: Promise<unknown> = Promise.resolve();
  readonly #deflate: Deflate = createDeflate({ dictionary: headerDictionary, level: 9 });
  readonly #inflate: Inflate = createInflate({ dictionary: headerDictionary });

  constructor(transport: Duplex) {
    this.transport = transport;
    transport.on('data', (chunk: Buffer) => this.#receive(chunk));
    transport.on('error', () => {});
    transport.on('close', () => {
      for (const stream of this.streams.values()) {
        stream.reset = true;
        stream.emit('done');
      }
    });
    this.#inflate.resume();
  }

  /** Sends SYN_STREAM. Headers are one compressed stream, so calls wait for each other. */
  open(headers: Readonly<Record<string, string>>, flags = 0): Promise<ClientStream> {
    const opened = this.#opening.then(() => this.#open(headers, flags));
    this.#opening = opened;
    return opened;
  }

  async #open(headers: Readonly<Record<string, string>>, flags: number): Promise<ClientStream> {
    const stream = new ClientStream(this.#nextId);
    this.#nextId += 2;
    this.streams.set(stream.id, stream);
    const block = await this.compress(encodeHeaders(headers));
    const head = Buffer.alloc(10);
    head.writeUInt32BE(stream.id, 0);
    this.sendControl(1, Buffer.concat([head, block]), flags);
    return stream;
  }

  async compress(block: Buffer): Promise<Buffer> {
    const pieces: Buffer[] = [];
    const collect = (piece: Buffer): void => void pieces.push(piece);
    this.#deflate.on('data', collect);
    this.#deflate.write(block);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    this.#deflate.off('data', collect);
    return Buffer.concat(pieces);
  }

  sendControl(type: number, payload: Buffer, flags = 0): void {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(payload.length, 4);
    head.writeUInt8(flags, 4);
    this.transport.write(Buffer.concat([head, payload]));
  }

  /** Resolves to whether more may be sent at once. */
  send(stream: ClientStream, data: Buffer | string, fin = false): boolean {
    const bytes = Buffer.from(data);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(stream.id, 0);
    head.writeUInt32BE(bytes.length, 4);
    head.writeUInt8(fin ? 1 : 0, 4);
    return this.transport.write(Buffer.concat([head, bytes]));
  }

  end(stream: ClientStream): void {
    this.send(stream, '', true);
  }

  reset(stream: ClientStream): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(stream.id, 0);
    payload.writeUInt32BE(5, 4);
    this.sendControl(3, payload);
  }

  ping(id: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(id, 0);
    this.sendControl(6, payload);
  }

  #receive(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    while (this.#buffered.length >= 8) {
      const length = this.#buffered.readUIntBE(5, 3);
      if (this.#buffered.length < 8 + length) return;
      const frame = this.#buffered.subarray(0, 8 + length);
      this.#buffered = this.#buffered.subarray(8 + length);
      this.#handle(frame);
    }
  }

  #handle(frame: Buffer): void {
    const first = frame.readUInt32BE(0);
    const payload = frame.subarray(8);
    if (first < 0x80000000) {
      const stream = this.streams.get(first);
      if (stream === undefined) throw new Error(`data for stream ${first}, which is not open`);
      stream.received.push(payload);
      stream.receivedBytes += payload.length;
      if (frame.readUInt8(4) & 1) {
        stream.ended = true;
        stream.emit('done');
      }
      stream.emit('data');
      return;
    }
    const stream = this.streams.get(payload.length >= 4 ? payload.readUInt32BE(0) : 0);
    switch (first & 0xffff) {
      case 2:
        // The reply's headers have to be good zlib for a real client to read on.
        this.#inflate.write(payload.subarray(4));
        if (stream !== undefined) stream.replied = true;
        stream?.emit('replied');
        return;
      case 3:
        if (stream !== undefined) stream.reset = true;
        stream?.emit('done');
        return;
      case 6:
        this.pings.push(payload.readUInt32BE(0));
        return;
      case 7:
        this.goAway = true;
        return;
      default:
        throw new Error(`an unexpected control frame of type ${first & 0xffff}`);
    }
  }
}

function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value, 0);
    return bytes;
  };
  const entries = Object.entries(headers);
  const texts = entries.flat().flatMap((text) => [number(Buffer.byteLength(text)), Buffer.from(text)]);
  return Buffer.concat([number(entries.length), ...texts]);
}
