import { once } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ApiClient } from '../apiserver/client.ts';
import { aborted } from '../support/abort.ts';
import { CodedError, messageOf } from '../support/errors.ts';
import { Authenticator } from './authentication.ts';
import { Authorizer } from './authorization.ts';
import { Connections, handshakeTimeoutMs } from './connections.ts';
import { answerWithError, HttpError, statusOf } from './errors.ts';
import { matchRoute, type Route } from './router.ts';
import { type RouteDeps, routes } from './routes.ts';
import type { ClientCa, ServingCertificate } from './serving-certificate.ts';
import { Upgrade } from './streams/upgrade.ts';
import { TlsMaterial } from './tls.ts';
import type { TlsParameters } from './tls-parameters.ts';

/** From the first byte of a request to the end of its headers, and of its body. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** kubelet's: the command of an exec stands in its query. */
const maxHeaderBytes = 1024 * 1024;
/** No endpoint reads a body; more than this is a mistake or an attack. */
const maxBodyBytes = 64 * 1024;
/** A connection between two requests, as kubelet. */
const keepAliveMs = 90_000;
/** A client that takes nothing of a short answer. Node looks once in this time, so it may last twice as long. */
const stalledMs = 60_000;
/** How long answers under way may take when we end. */
const closeDeadlineMs = 5000;

export interface KubeletApiOptions extends RouteDeps {
  /** Asked who a token's bearer is, and what a caller may do. */
  readonly api: ApiClient;
  readonly serving: ServingCertificate;
  readonly clientCa: ClientCa;
  readonly tlsParameters: TlsParameters;
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connections: Connections;
  readonly upgrade?: Upgrade;
}

interface RunningCall {
  readonly longLived: boolean;
  readonly abort: AbortController;
}

/** The node's own HTTPS server: what the API server calls for logs and the like, and nobody else without the right to. */
export class KubeletApiServer {
  readonly #options: KubeletApiOptions;
  readonly #routes: readonly Route[];
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #calls = new Set<RunningCall>();
  /** Connections that HTTP does not know any more. */
  readonly #upgraded = new Set<Socket>();
  #started: { readonly server: Server; readonly material: TlsMaterial; readonly connections: Connections } | undefined;

  constructor(options: KubeletApiOptions) {
    this.#options = options;
    this.#routes = routes(options);
    this.#authenticator = new Authenticator(options);
    this.#authorizer = new Authorizer(options);
  }

  /**
   * Begins to serve; port 0 takes any free one, an empty host all interfaces. Rejects with `InvalidInput` where the
   * address cannot be had or the certificates cannot be used.
   */
  async listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    const material = await TlsMaterial.load({ ...this.#options, parameters: this.#options.tlsParameters });
    const server = createServer({
      ...material.context,
      requestCert: true,
      // Whoever shows no certificate of ours may still have a token: authentication decides.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      ALPNProtocols: ['http/1.1'],
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      // Finds out about peers that vanished without a word.
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    server.timeout = stalledMs;
    const connections = new Connections(server, this.#options);
    server.on('request', (request, response) => {
      if (connections.admit(request, response)) void this.#serve({ request, response, connections });
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // HTTP has let go of it: an error nobody listens to would end the process.
      socket.on('error', () => {});
      const response = new ServerResponse(request);
      if (!connections.admit(request, response)) return;
      response.assignSocket(socket as TLSSocket);
      const upgrade = new Upgrade({ socket, head, response });
      void this.#serveUpgrade({ request, response, connections, upgrade });
    });
    server.listen(address.port, address.host === '' ? undefined : address.host);
    try {
      await once(server, 'listening');
    } catch (error) {
      const where = `${address.host}:${address.port}`;
      throw new CodedError('InvalidInput', `cannot serve the kubelet API on ${where}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    // One connection that could not be accepted (no descriptor left) is no reason to end.
    server.on('error', (error) => this.#options.log.error('the kubelet API had an error', { error }));
    this.#started = { server, material, connections };
    return { port: (server.address() as AddressInfo).port };
  }

  /** Keeps the certificates fresh until the signal aborts; then lets answers end, within a deadline, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started === undefined) throw new TypeError('listen comes before run');
    const { server, material, connections } = this.#started;
    const refreshing = material.run(signal, ({ context, clientCaChanged }) => {
      server.setSecureContext(context);
      if (clientCaChanged) connections.forgetVerifications();
    });
    await aborted(signal);
    await this.#close(server);
    await refreshing;
  }

  async #close(server: Server): Promise<void> {
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    for (const call of this.#calls) if (call.longLived) call.abort.abort(endOfServer());
    const deadline = this.#options.clock.after(closeDeadlineMs, () => {
      for (const call of this.#calls) call.abort.abort(endOfServer());
      server.closeAllConnections();
      for (const socket of this.#upgraded) socket.destroy();
    });
    await closed;
    deadline.cancel();
  }

  /** A request whose client wants to leave HTTP: answered as any other until a handler takes the connection. */
  async #serveUpgrade(incoming: Incoming): Promise<void> {
    const { response } = incoming;
    const { socket } = incoming.request;
    // Streams have their own idle timeout, in which pings count.
    socket.setTimeout(0);
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.destroySoon());
    await this.#serve(incoming);
  }

  /** One request, from whoever sent it to its answer. Never rejects. */
  async #serve({ request, response, connections, upgrade }: Incoming): Promise<void> {
    const { method = '', url = '' } = request;
    try {
      limitBody(request, response);
      const caller = await this.#authenticator.authenticate(request);
      const match = matchRoute(this.#routes, method, url);
      const subresources = match.kind === 'not-found' ? (['proxy'] as const) : match.route.subresources;
      await this.#authorizer.authorize(caller, { method, subresources });
      connections.trust(request.socket);
      if (match.kind === 'not-found') throw new CodedError('NotFound', '404 page not found');
      if (match.kind === 'wrong-method') throw new HttpError(405, '405: Method Not Allowed');
      const { route, parameters, query } = match;
      await this.#run({ request, response, upgrade, route }, (signal) =>
        route.handle({ request, response, upgrade, caller, parameters, query, signal }),
      );
    } catch (error) {
      const status = statusOf(error);
      const words = { method, path: url.replace(/\?.*/s, '').slice(0, 512), status, error };
      if (status >= 500 && !request.socket.destroyed)
        this.#options.log.warn('a request to the kubelet API failed', words);
      else this.#options.log.debug('a request to the kubelet API was refused', words);
      if (upgrade?.taken) request.socket.destroy();
      else answerWithError(response, error);
    }
  }

  async #run(
    parts: {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
      readonly upgrade: Upgrade | undefined;
      readonly route: Route;
    },
    handle: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { socket } = parts.request;
    const call = { longLived: parts.route.longLived === true, abort: new AbortController() };
    const lifetime = parts.upgrade === undefined ? parts.response : socket;
    const onClose = (): void => {
      // A response also closes when it has been given whole.
      if (!parts.response.writableFinished) call.abort.abort(new CodedError('Unavailable', 'the client has gone'));
    };
    lifetime.once('close', onClose);
    this.#calls.add(call);
    if (call.longLived && parts.upgrade === undefined) socket.setTimeout(this.#options.timeouts.idleMs);
    try {
      await handle(call.abort.signal);
    } finally {
      this.#calls.delete(call);
      lifetime.off('close', onClose);
    }
  }
}

function endOfServer(): CodedError {
  return new CodedError('Unavailable', 'the node is shutting down');
}

/** Reads and drops what a client sends along, up to a bound. */
function limitBody(request: IncomingMessage, response: ServerResponse): void {
  const tooLarge = (): HttpError => new HttpError(413, `the request has more than ${maxBodyBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) {
      request.pause();
      answerWithError(response, tooLarge());
    }
  });
}
