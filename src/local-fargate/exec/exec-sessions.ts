import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { ContainerSessions } from '../../runtime/sessions.ts';
import { withTimeout } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { untilAborted } from '../until-aborted.ts';
import { DataChannel } from './data-channel.ts';

const path = /^\/v1\/data-channel\/([\w-]+)(?:\?|$)/;
/** A session that nobody comes for is forgotten, and a client that says nothing is let go, after so long. */
const patienceMs = 60_000;
/** A client takes its last output within so long. */
const closingMs = 10_000;
const mostMessageBytes = 2 ** 20;

/** A command to be run in a container for whoever comes with the token, once. */
interface Session {
  readonly id: string;
  readonly token: string;
  readonly runtimeId: string;
  readonly command: readonly string[];
  readonly abort: AbortController;
  isTaken: boolean;
}

/** Commands that people run in containers (ECS Exec), each over a WebSocket of its own. */
export class ExecSessions {
  readonly #containers: ContainerSessions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #sessions = new Map<string, Session>();
  readonly #server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: mostMessageBytes });

  /** All sessions end when the signal aborts. */
  constructor(deps: {
    readonly containers: ContainerSessions;
    readonly clock: Clock;
    readonly log: Logger;
    readonly signal: AbortSignal;
  }) {
    this.#containers = deps.containers;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#signal = deps.signal;
  }

  /** What a client needs to come: the session's id, its token, and the path where it is awaited for a minute. */
  open(
    runtimeId: string,
    command: readonly string[],
  ): { readonly id: string; readonly token: string; readonly path: string } {
    const id = `ecs-execute-command-${randomBytes(9).toString('hex').slice(0, 17)}`;
    const token = randomBytes(48).toString('base64');
    const abort = new AbortController();
    this.#sessions.set(id, { id, token, runtimeId, command, abort, isTaken: false });
    this.#clock.after(patienceMs, () => {
      if (this.#sessions.get(id)?.isTaken === false) this.#sessions.delete(id);
    });
    return { id, token, path: `/v1/data-channel/${id}?role=publish_subscribe` };
  }

  /** Ends a session; whether there was one. */
  terminate(id: string): boolean {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    session?.abort.abort(new CodedError('Terminal', 'the session was terminated'));
    return session !== undefined;
  }

  /** Takes a connection that leaves HTTP. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const session = this.#sessions.get(path.exec(request.url ?? '')?.[1] ?? '');
    if (!session || session.isTaken) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    session.isTaken = true;
    this.#server.handleUpgrade(request, socket, head, (ws) => void this.#serve(session, ws));
  }

  /** Never rejects. */
  async #serve(session: Session, ws: WebSocket): Promise<void> {
    const { abort } = session;
    const signal = AbortSignal.any([this.#signal, abort.signal]);
    ws.once('close', () => abort.abort(new CodedError('Unavailable', 'the client has gone')));
    ws.once('error', () => ws.terminate());
    const channel = new DataChannel({
      sessionId: session.id,
      clock: this.#clock,
      send: (bytes) => ws.send(bytes, () => {}),
      onTerminate: () => void this.terminate(session.id),
    });
    const first = Promise.withResolvers<Buffer>();
    let isKnown = false;
    ws.on('message', (data: RawData) => {
      // What comes too early is not acknowledged, and so sent again.
      if (!isKnown) first.resolve(toBuffer(data));
      else attempt(() => channel.receive(toBuffer(data)), abort);
    });
    try {
      const opening = await this.#inTime(patienceMs, signal, (inTime) => untilAborted(first.promise, inTime));
      authenticate(session, opening);
      isKnown = true;
      await channel.shakeHands({ signal });
      await this.#run(session, channel, signal);
    } catch (error) {
      if (!signal.aborted) this.#log.warn('a session in a container failed', { session: session.id, error });
    } finally {
      this.#sessions.delete(session.id);
      channel.destroy();
      ws.close();
      // A client that does not answer the close.
      this.#clock.after(closingMs, () => ws.terminate());
      if (this.#signal.aborted) ws.terminate();
    }
  }

  async #run({ runtimeId, command }: Session, channel: DataChannel, signal: AbortSignal): Promise<void> {
    let reason = '';
    try {
      await this.#containers.runCommand(
        runtimeId,
        // ECS Exec is root, whoever the container's own process is.
        { command, tty: true, user: '0:0' },
        { stdin: channel.input, stdout: channel.output, stderr: channel.output, resizes: channel.sizes, signal },
      );
    } catch (error) {
      signal.throwIfAborted();
      reason = messageOf(error);
    }
    await this.#inTime(closingMs, signal, (inTime) => channel.close(reason, { signal: inTime }));
  }

  #inTime<T>(timeoutMs: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withTimeout('the client of a session', { timeoutMs, clock: this.#clock, signal }, work);
  }
}

/** The first message, and the only one of text, has the token. */
function authenticate({ token }: Session, first: Buffer): void {
  const { TokenValue } = JSON.parse(first.toString()) as { readonly TokenValue?: unknown };
  const given = Buffer.from(String(TokenValue));
  if (given.length !== token.length || !timingSafeEqual(given, Buffer.from(token))) {
    throw new CodedError('Unauthorized', 'the token is not that of the session');
  }
}

function attempt(work: () => void, abort: AbortController): void {
  try {
    work();
  } catch (error) {
    abort.abort(error);
  }
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
