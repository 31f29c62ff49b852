import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { CodedError, hasCode, messageOf } from '../support/errors.ts';
import type { Access } from './credentials.ts';
import type { Endpoint } from './kubeconfig.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly contentType?: string | undefined;
  readonly body?: string | undefined;
  readonly access: Access;
  readonly signal: AbortSignal;
}

export type HttpAnswer = Dispatcher.ResponseData;

/** Calls that may be under way at the same time; more wait. Watches have connections of their own. */
const maxCallConnections = 64;
/** Below what API servers (90 s) and load balancers (60 s) keep, so that no request meets a connection just closed. */
const idleConnectionMs = 30_000;
const connectTimeoutMs = 10_000;
/** A page of 500 pods is about 3 MiB; this only stops what is no answer. */
const maxAnswerBytes = 128 * 1024 * 1024;

/** A connection that was there and broke: the API server may or may not have done what was asked. */
export class ConnectionCut extends CodedError {}

/** A connection that is there, and on which bytes that must come do not. */
export class ConnectionSilent extends CodedError {}

interface Pools {
  readonly endpoint: Endpoint;
  readonly url: URL;
  readonly calls: Dispatcher;
  readonly watches: Dispatcher;
}

/**
 * Connections to the API server, over HTTP/1.1 and kept alive; made anew when address, CA or client certificate
 * change. Requests on old connections end in peace.
 */
export class HttpTransport {
  readonly #userAgent: string;
  #pools: Pools | undefined;

  constructor(userAgent: string) {
    this.#userAgent = userAgent;
  }

  /** One short request. Rejects with `Unavailable` where there is no answer; `ConnectionCut` says it broke under way. */
  call(request: HttpRequest): Promise<HttpAnswer> {
    const { calls, url } = this.#poolsFor(request.access.endpoint);
    return this.#send(calls, url, request);
  }

  /** A request with an answer without end. */
  watch(request: HttpRequest): Promise<HttpAnswer> {
    const { watches, url } = this.#poolsFor(request.access.endpoint);
    return this.#send(watches, url, request);
  }

  /**
   * Takes new connections for what is to come: the present ones, idle ones above all, may have been cut off without a
   * word. What is under way on them may end there.
   */
  distrustConnections(): void {
    if (this.#pools === undefined) return;
    retire(this.#pools.calls);
    retire(this.#pools.watches);
    this.#pools = undefined;
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    const reason = new CodedError('Unavailable', 'the client is closed');
    await Promise.all([pools?.calls.destroy(reason), pools?.watches.destroy(reason)]);
  }

  #poolsFor(endpoint: Endpoint): Pools {
    if (this.#pools?.endpoint === endpoint) return this.#pools;
    this.distrustConnections();
    this.#pools = {
      endpoint,
      url: new URL(endpoint.server),
      calls: dispatcherFor(endpoint, 'calls'),
      watches: dispatcherFor(endpoint, 'watches'),
    };
    return this.#pools;
  }

  async #send(dispatcher: Dispatcher, { origin, pathname }: URL, request: HttpRequest): Promise<HttpAnswer> {
    const { access, method, path, body, contentType, signal } = request;
    try {
      return await dispatcher.request({
        origin,
        path: pathname === '/' ? path : pathname + path,
        method,
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...access.headers,
        },
        body: body ?? null,
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw connectionError(error, access.endpoint.server);
      if (hasCode(signal.reason, 'Timeout') && dispatcher === this.#pools?.calls) this.distrustConnections();
      throw signal.reason;
    }
  }
}

/** Lets what is under way end, and closes. */
function retire(dispatcher: Dispatcher): void {
  dispatcher.close().catch(() => {});
}

function dispatcherFor(endpoint: Endpoint, use: 'calls' | 'watches'): Dispatcher {
  const tls = {
    rejectUnauthorized: !endpoint.skipTlsVerify,
    ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
    ...endpoint.clientCertificate,
    ...(endpoint.tlsServerName === undefined ? {} : { servername: endpoint.tlsServerName }),
  };
  const options = {
    // the deadlines are ours
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleConnectionMs,
    maxResponseSize: use === 'calls' ? maxAnswerBytes : -1,
    allowH2: false,
    ...(use === 'calls' ? { connections: maxCallConnections } : {}),
  };
  if (endpoint.proxyUrl !== undefined) {
    return new ProxyAgent({ uri: endpoint.proxyUrl, requestTls: { timeout: connectTimeoutMs, ...tls }, ...options });
  }
  return new Pool(new URL(endpoint.server).origin, { connect: { timeout: connectTimeoutMs, ...tls }, ...options });
}

const cutCodes: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** What a failure of the connection means; also for failures while the answer is read. */
export function connectionError(error: unknown, server: string): CodedError {
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new CodedError('Internal', `${server} answers with more than ${maxAnswerBytes} bytes`);
  }
  if (cutCodes.has(code))
    return new ConnectionCut('Unavailable', `the connection to ${server} was cut`, { cause: error });
  return new CodedError('Unavailable', `cannot reach the API server at ${server}: ${messageOf(error)}`, {
    cause: error,
  });
}
