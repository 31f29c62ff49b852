import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { Strangers } from './strangers.ts';

/** How long a client may take for its part of the TLS handshake. */
export const handshakeTimeoutMs = 10_000;

/** Connections of all callers, one for each log that is followed among them. */
const maxConnections = 5000;
/**
 * Of them, from the first packet on, those whose caller has shown neither a client certificate that counts nor a token
 * with a right. So strangers can neither fill our memory nor take the place of others.
 */
const maxStrangers = 512;

/** Bounds the connections of a server, and lets go of those that were verified against authorities of the past. */
export class Connections {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #verifiedAtMs = new WeakMap<TLSSocket, number>();
  readonly #strangers = new Strangers(maxStrangers);
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor(server: Server, options: { readonly clock: Clock; readonly log: Logger }) {
    this.#server = server;
    this.#clock = options.clock;
    server.maxConnections = maxConnections;
    server.on('drop', () => options.log.debug('a connection was refused: there are too many', { maxConnections }));
    // Before TLS makes something of it: a connection costs little until then.
    server.prependListener('connection', (socket: Socket) => {
      if (this.#strangers.add(socket)) options.log.debug('a connection of a stranger was cut', { maxStrangers });
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#verifiedAtMs.set(socket, this.#clock.now());
      if (socket.authorized) this.#strangers.release(socket);
    });
  }

  /** The caller on this connection has proved who it is, and that it may do what it asked for: no stranger any more. */
  trust(socket: Socket): void {
    this.#strangers.release(socket);
  }

  /** Other authorities count from now on. Connections that wait end now, those at work after their answer. */
  forgetVerifications(): void {
    this.#changedAtMs = this.#clock.now();
    this.#server.closeIdleConnections();
  }

  /** Called for each request before anything else: whether it may go on. */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    const socket = request.socket as TLSSocket;
    const verifiedAtMs = this.#verifiedAtMs.get(socket) ?? Number.NEGATIVE_INFINITY;
    if (verifiedAtMs < this.#changedAtMs) {
      socket.destroy();
      return false;
    }
    // A handshake that was under way when the authorities changed was verified against the former ones.
    if (verifiedAtMs < this.#changedAtMs + handshakeTimeoutMs) response.setHeader('connection', 'close');
    response.once('close', () => {
      if (verifiedAtMs < this.#changedAtMs) socket.destroySoon();
    });
    return true;
  }
}
