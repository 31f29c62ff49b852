import type { Duplex } from 'node:stream';
import type { Clock } from '../../../support/clock.ts';
import { CodedError } from '../../../support/errors.ts';
import { SignOfLife } from '../sign-of-life.ts';
import {
  dataFrameHeader,
  goAwayFrame,
  pingFrame,
  rstStatus,
  rstStreamFrame,
  type SpdyFrame,
  SpdyFrameDecoder,
  spdyViolation,
  synReplyFrame,
} from './frames.ts';
import { EmptyHeaderWriter, HeaderReader, type SpdyHeaders } from './header-block.ts';
import { SpdyStream } from './stream.ts';

/** Answers to control frames that wait to be sent. A client that reads nothing makes them pile up. */
const maxPendingControlBytes = 64 * 1024;

export interface SpdyConnectionOptions {
  /** Already upgraded. Owned by the connection from here on. */
  readonly transport: Duplex;
  /** Open at the same time; more are refused. */
  readonly maxStreams: number;
  /** Takes a new stream, or throws or destroys it. */
  readonly onStream: (stream: SpdyStream, headers: SpdyHeaders) => void;
  /** Called for whatever comes in or goes out. */
  readonly onActivity: () => void;
  readonly clock: Clock;
}

/**
 * The server's side of a SPDY/3.1 connection. There are no windows: Kubernetes' clients neither keep to them nor widen
 * them. What holds a sender back is the connection itself: it is not read while any stream has more than its mark
 * unread, and whoever writes waits until it has drained.
 */
export class SpdyConnection {
  readonly #options: SpdyConnectionOptions;
  readonly #transport: Duplex;
  readonly #decoder = new SpdyFrameDecoder();
  readonly #headers = new HeaderReader();
  readonly #replies = new EmptyHeaderWriter();
  readonly #streams = new Map<number, SpdyStream>();
  /** Streams whose reader is behind. */
  readonly #behind = new Set<SpdyStream>();
  readonly #signOfLife: SignOfLife;
  #waitingForDrain: (() => void)[] = [];
  #lastPingId = 0;
  #lastStreamId = 0;
  #pendingControlBytes = 0;
  #closing = false;

  constructor(options: SpdyConnectionOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#signOfLife = new SignOfLife(options.clock, () => this.#ping());
    this.#transport.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#transport.on('drain', () => this.#drained());
    // Whoever hangs up wants nothing any more: no client of Kubernetes closes only one direction.
    this.#transport.on('end', () => this.destroy());
    this.#transport.on('error', () => this.destroy());
    this.#transport.on('close', () => this.#closed());
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Says goodbye and ends what we send; takes no new streams. Those that are open should have ended. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#signOfLife.stop();
    for (const stream of this.#streams.values()) stream.destroy();
    this.#control(goAwayFrame(this.#lastStreamId));
    this.#transport.end();
    // What still comes in is thrown away: unread bytes would make the kernel reset what we have sent last.
    this.#transport.resume();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#transport.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#options.onActivity();
    if (this.#closing) return;
    try {
      for (const frame of this.#decoder.decode(chunk)) this.#handle(frame);
    } catch (error) {
      this.#transport.destroy(error as Error);
    }
  }

  #handle(frame: SpdyFrame): void {
    switch (frame.kind) {
      case 'data':
        if (frame.streamId > this.#lastStreamId) throw spdyViolation('data for a stream that was never opened');
        // One that is closed on our side may still get what was on its way.
        this.#streams.get(frame.streamId)?.receive(frame.bytes, frame.fin);
        return;
      case 'syn-stream':
        this.#open(frame.streamId, this.#headers.read(frame.headerBlock), frame.fin);
        return;
      case 'headers':
        this.#headers.read(frame.headerBlock);
        return;
      case 'rst-stream':
        this.#streams.get(frame.streamId)?.resetByPeer();
        return;
      case 'ping':
        // Even numbers are ours: an answer, which says no more than that it is there.
        if (frame.id % 2 === 1) this.#control(pingFrame(frame.id));
        return;
      case 'go-away':
        return;
    }
  }

  #open(streamId: number, headers: SpdyHeaders, fin: boolean): void {
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) throw spdyViolation(`stream ${streamId} out of order`);
    this.#lastStreamId = streamId;
    if (this.#streams.size >= this.#options.maxStreams) {
      this.#control(rstStreamFrame(streamId, rstStatus.refusedStream));
      return;
    }
    const stream = new SpdyStream(streamId, {
      write: (bytes, end, done) => this.#writeData(streamId, bytes, end, done),
      reset: () => this.#control(rstStreamFrame(streamId, rstStatus.cancel)),
      readerIsBehind: (behind) => this.#hold(stream, behind),
      closed: () => this.#forget(stream),
    });
    this.#streams.set(streamId, stream);
    this.#control(synReplyFrame(streamId, this.#replies.next()));
    try {
      this.#options.onStream(stream, headers);
    } catch (error) {
      stream.destroy(error as Error);
      return;
    }
    if (fin) stream.receive(Buffer.alloc(0), true);
  }

  /** Not read while any stream is behind. */
  #hold(stream: SpdyStream, behind: boolean): void {
    if (behind) this.#behind.add(stream);
    else this.#behind.delete(stream);
    if (this.#behind.size > 0 && !this.#closing) {
      this.#transport.pause();
      this.#signOfLife.start();
    } else {
      this.#transport.resume();
      this.#signOfLife.stop();
    }
  }

  #forget(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    if (this.#behind.has(stream)) this.#hold(stream, false);
  }

  #writeData(streamId: number, bytes: Buffer, fin: boolean, done: () => void): void {
    if (this.#transport.destroyed || this.#transport.writableEnded) return;
    this.#options.onActivity();
    this.#transport.cork();
    this.#transport.write(dataFrameHeader(streamId, bytes.length, fin));
    if (bytes.length > 0) this.#transport.write(bytes);
    this.#transport.uncork();
    if (this.#transport.writableNeedDrain) this.#waitingForDrain.push(done);
    else done();
  }

  #ping(): void {
    // Where the client does not read either, one more would only wait with the rest.
    if (this.#transport.writableNeedDrain) return;
    this.#lastPingId = (this.#lastPingId + 2) % 2 ** 31;
    this.#control(pingFrame(this.#lastPingId));
  }

  #drained(): void {
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const done of waiting) done();
  }

  #control(frame: Buffer): void {
    if (this.#transport.destroyed || this.#transport.writableEnded) return;
    this.#pendingControlBytes += frame.length;
    if (this.#pendingControlBytes > maxPendingControlBytes) {
      this.#transport.destroy(spdyViolation('it does not read the answers that it asks for'));
      return;
    }
    this.#options.onActivity();
    this.#transport.write(frame, () => {
      this.#pendingControlBytes -= frame.length;
    });
  }

  #closed(): void {
    this.#closing = true;
    this.#signOfLife.stop();
    const gone = new CodedError('Unavailable', 'the client has gone');
    for (const stream of [...this.#streams.values()]) stream.destroy(gone);
    this.#waitingForDrain = [];
  }
}
