import { randomUUID } from 'node:crypto';
import { PassThrough, Readable, Writable } from 'node:stream';
import { z } from 'zod';
import type { Clock, Timer } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import { untilAborted } from '../until-aborted.ts';
import {
  type AgentMessage,
  decodeMessage,
  encodeMessage,
  messageTypes,
  onlyOne,
  payloadTypes,
  terminateFlag,
} from './agent-message.ts';

/** Of an agent that knows all of the protocol. */
const agentVersion = '3.3.0.0';
/** What the client does not acknowledge is sent again after so long: it drops what comes before it is ready. */
const resendMs = 200;
/** So many messages may be on their way; then the command has to wait. */
const window = 64;
const mostPayloadBytes = 4096;
/** Input that the command has not taken yet. More is not acknowledged, so that the client sends it again. */
const mostInputBytes = 2 ** 20;

const acknowledgement = z.object({ AcknowledgedMessageSequenceNumber: z.number().int() });
const handshakeResponse = z.object({ ProcessedClientActions: z.array(z.object({ ActionStatus: z.number() })) });
const terminalSize = z.object({ cols: z.number().int().min(1), rows: z.number().int().min(1) });

/**
 * The agent's side of a Session Manager data channel: handshake, input, output and sizes of a terminal, each message
 * acknowledged and sent again until it is.
 */
export class DataChannel {
  /** What the client types. */
  readonly input = new Readable({ read: () => {} });
  readonly output: Writable;
  readonly sizes = new PassThrough({ objectMode: true });
  readonly #sessionId: string;
  readonly #clock: Clock;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #onTerminate: () => void;
  /** By their numbers, in order. */
  readonly #unacknowledged = new Map<number, { readonly bytes: Buffer; sentAtMs: number }>();
  #isOver = false;
  #sequence = 0;
  #expected = 0;
  #resend: Timer | undefined;
  /** The write that waits for room. */
  #room: (() => void) | undefined;
  #allAcknowledged: (() => void) | undefined;
  #handsShaken: (() => void) | undefined;

  constructor(options: {
    readonly sessionId: string;
    readonly clock: Clock;
    readonly send: (bytes: Uint8Array) => void;
    /** The client ends the session. */
    readonly onTerminate: () => void;
  }) {
    this.#sessionId = options.sessionId;
    this.#clock = options.clock;
    this.#send = options.send;
    this.#onTerminate = options.onTerminate;
    this.output = new Writable({ write: (chunk: Buffer, _encoding, done) => this.#write(chunk, done) });
  }

  /** Agrees with the client on the kind of session. Rejects with the signal's reason where it never answers. */
  async shakeHands(options: { readonly signal: AbortSignal }): Promise<void> {
    const beganMs = this.#clock.now();
    const shaken = new Promise<void>((resolve) => {
      this.#handsShaken = resolve;
    });
    const action = {
      ActionType: 'SessionType',
      ActionParameters: { SessionType: 'InteractiveCommands', Properties: {} },
    };
    this.#sendJson(payloadTypes.handshakeRequest, { AgentVersion: agentVersion, RequestedClientActions: [action] });
    await untilAborted(shaken, options.signal);
    const tookNs = (this.#clock.now() - beganMs) * 1e6;
    this.#sendJson(payloadTypes.handshakeComplete, { HandshakeTimeToComplete: tookNs, CustomerMessage: '' });
  }

  /** Takes a message of the client. Throws `InvalidInput` for what makes no sense: the channel is of no use then. */
  receive(bytes: Buffer): void {
    if (this.#isOver) return;
    const message = decodeMessage(bytes);
    switch (message.type) {
      case messageTypes.acknowledge:
        this.#noteAcknowledged(parse(acknowledgement, message).AcknowledgedMessageSequenceNumber);
        return;
      case messageTypes.input:
        if (message.sequence > this.#expected) return;
        if (message.sequence === this.#expected) {
          if (!this.#take(message)) return;
          this.#expected++;
        }
        this.#acknowledge(message);
        return;
    }
  }

  /** Waits until the client has all output, and tells it that the session is over, and why where that is no matter of course. */
  async close(reason: string, options: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#unacknowledged.size > 0) {
      const acknowledged = new Promise<void>((resolve) => {
        this.#allAcknowledged = resolve;
      });
      await untilAborted(acknowledged, options.signal);
    }
    const id = randomUUID();
    const closed = {
      MessageId: id,
      CreatedDate: new Date(this.#clock.now()).toISOString(),
      DestinationId: this.#sessionId,
      SessionId: this.#sessionId,
      MessageType: messageTypes.closed,
      SchemaVersion: 1,
      Output: reason,
    };
    const payload = Buffer.from(JSON.stringify(closed));
    this.#send(this.#encode({ type: messageTypes.closed, sequence: 0, flags: onlyOne, id, payloadType: 0, payload }));
  }

  /** Lets go of everything that waits. */
  destroy(): void {
    this.#isOver = true;
    this.#resend?.cancel();
    this.#unacknowledged.clear();
    // Who reads them may still do so, and is not to be surprised by an error.
    this.sizes.end();
    this.input.push(null);
    this.output.destroy();
  }

  /** Whether there was room for it. */
  #take(message: AgentMessage): boolean {
    switch (message.payloadType) {
      case payloadTypes.bytes:
        if (this.input.readableLength >= mostInputBytes) return false;
        this.input.push(message.payload);
        return true;
      case payloadTypes.size: {
        const { cols, rows } = parse(terminalSize, message);
        this.sizes.write({ width: cols, height: rows });
        return true;
      }
      case payloadTypes.handshakeResponse: {
        const { ProcessedClientActions: actions } = parse(handshakeResponse, message);
        if (actions.some(({ ActionStatus }) => ActionStatus !== 1)) {
          throw new CodedError('InvalidInput', 'the client does not know sessions of interactive commands');
        }
        this.#handsShaken?.();
        return true;
      }
      case payloadTypes.flag:
        if (message.payload.at(-1) === terminateFlag) this.#onTerminate();
    }
    return true;
  }

  #write(chunk: Buffer, done: () => void): void {
    for (let from = 0; from < chunk.length; from += mostPayloadBytes) {
      this.#sendStream(payloadTypes.bytes, chunk.subarray(from, from + mostPayloadBytes));
    }
    if (this.#unacknowledged.size < window) done();
    else this.#room = done;
  }

  #sendJson(payloadType: number, value: unknown): void {
    this.#sendStream(payloadType, Buffer.from(JSON.stringify(value)));
  }

  #sendStream(payloadType: number, payload: Uint8Array): void {
    const sequence = this.#sequence++;
    const bytes = this.#encode({
      type: messageTypes.output,
      sequence,
      flags: sequence === 0 ? 1 : 0,
      id: randomUUID(),
      payloadType,
      payload,
    });
    this.#unacknowledged.set(sequence, { bytes, sentAtMs: this.#clock.now() });
    this.#send(bytes);
    if (!this.#resend) this.#watchOldest();
  }

  /** Sends the oldest message again when it has waited for long: the client keeps or drops those after it. */
  #watchOldest(): void {
    this.#resend?.cancel();
    this.#resend = undefined;
    const [oldest] = this.#unacknowledged.values();
    if (!oldest) return;
    const waitedMs = this.#clock.now() - oldest.sentAtMs;
    this.#resend = this.#clock.after(Math.max(resendMs - waitedMs, 0), () => {
      oldest.sentAtMs = this.#clock.now();
      this.#send(oldest.bytes);
      this.#watchOldest();
    });
  }

  #noteAcknowledged(sequence: number): void {
    const [oldest] = this.#unacknowledged.keys();
    this.#unacknowledged.delete(sequence);
    if (sequence === oldest) this.#watchOldest();
    if (this.#unacknowledged.size < window) {
      const room = this.#room;
      this.#room = undefined;
      room?.();
    }
    if (this.#unacknowledged.size === 0) this.#allAcknowledged?.();
  }

  #acknowledge({ type, id, sequence }: AgentMessage): void {
    const content = {
      AcknowledgedMessageType: type,
      AcknowledgedMessageId: id,
      AcknowledgedMessageSequenceNumber: sequence,
      IsSequentialMessage: true,
    };
    const payload = Buffer.from(JSON.stringify(content));
    const message = {
      type: messageTypes.acknowledge,
      sequence: 0,
      flags: onlyOne,
      id: randomUUID(),
      payloadType: 0,
      payload,
    };
    this.#send(this.#encode(message));
  }

  #encode(message: Omit<AgentMessage, 'createdMs'>): Buffer {
    return encodeMessage({ ...message, createdMs: this.#clock.now() });
  }
}

function parse<T>(schema: z.ZodType<T>, { payload }: AgentMessage): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(payload).toString()));
  } catch (cause) {
    throw new CodedError('InvalidInput', 'the payload of a message is not what its type says', { cause });
  }
}
