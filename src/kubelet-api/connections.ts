import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';

/** How long a client may take for its part of the TLS handshake. */
export const handshakeTimeoutMs = 10_000;

/** Connections of all callers, one for each log that is followed among them. */
const maxConnections = 5000;
/**
 * Of them, those without a client certificate that counts: bearers of tokens, and strangers. So strangers can neither
 * fill our memory nor take the API server's place.
 */
const maxUncertified = 128;

/** Bounds the connections of a server, and lets go of those that were verified against authorities of the past. */
export class Connections {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #verifiedAtMs = new WeakMap<TLSSocket, number>();
  #uncertified = 0;
  #changedAtMs = Number.NEGATIVE_INFINITY;

  constructor(server: Server, options: { readonly clock: Clock; readonly log: Logger }) {
    this.#server = server;
    this.#clock = options.clock;
    server.maxConnections = maxConnections;
    server.on('drop', () => options.log.debug('a connection was refused: there are too many', { maxConnections }));
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#verifiedAtMs.set(socket, this.#clock.now());
      if (socket.authorized) return;
      if (this.#uncertified >= maxUncertified) {
        options.log.debug('a connection without certificate was refused: there are too many', { maxUncertified });
        socket.destroy();
        return;
      }
      this.#uncertified++;
      socket.once('close', () => this.#uncertified--);
    });
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
