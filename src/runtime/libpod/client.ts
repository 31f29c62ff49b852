import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Dispatcher, errors, Pool } from 'undici';
import { isAbortOf } from '../../support/abort.ts';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { CallOptions } from '../runtime.ts';
import { type PodmanErrorBody, toCodedError } from './podman-error.ts';

/** Podman 4.0 and everything after it speak this. */
const apiPath = '/v4.0.0/libpod';

/** Calls that answer at once under way at the same time; more wait their turn here rather than in Podman. */
const quickConnections = 32;

/** Podman may wait for locks and for the kernel, but not for so long. */
const quickTimeoutMs = 120_000;

export type QueryValue = string | number | boolean | readonly string[];

export interface LibpodRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** After `/libpod`, its parts escaped. */
  readonly path: string;
  /** A list repeats the key. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** HTTP to the socket of a Podman service. Rejects with `CodedError`s, Podman's own words in their messages. */
export class LibpodClient {
  readonly #socketPath: string;
  readonly #quick: Pool;
  /** For answers that take as long as they take: each has a connection of its own. */
  readonly #patient: Pool;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    const connect = { socketPath };
    // The host is only there because HTTP wants one.
    this.#quick = new Pool('http://podman', {
      connect,
      connections: quickConnections,
      headersTimeout: quickTimeoutMs,
      bodyTimeout: quickTimeoutMs,
    });
    this.#patient = new Pool('http://podman', { connect, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** The answer's JSON. */
  async json<T>(request: LibpodRequest, options: CallOptions): Promise<T> {
    const response = await this.#send(this.#quick, request, options);
    return await this.#read(options, () => response.body.json() as Promise<T>);
  }

  /** For what has no answer but that it is so, or was already. */
  async call(request: LibpodRequest, options: CallOptions): Promise<void> {
    await this.#callOn(this.#quick, request, options);
  }

  /** As `call`, for what Podman answers only when something has happened. */
  async wait(request: LibpodRequest, options: CallOptions): Promise<void> {
    await this.#callOn(this.#patient, request, options);
  }

  /** The answer's bytes as they come. They end, or throw `Unavailable` where the connection breaks. */
  async stream(request: LibpodRequest, options: CallOptions): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send(this.#patient, request, options);
    return this.#chunks(response, options);
  }

  /**
   * Leaves HTTP: gives the bare connection to a process, both ways, each of which ends by itself. It is cut when the
   * signal aborts.
   */
  async connection(request: LibpodRequest, { signal }: CallOptions): Promise<Socket> {
    signal.throwIfAborted();
    const answer = await this.#upgrade(request, signal);
    if (!isConnection(answer)) {
      throw toCodedError(answer.statusCode ?? 500, parseErrorBody(await text(answer)));
    }
    const [socket, head] = answer;
    if (head.length > 0) socket.unshift(head);
    return socket;
  }

  #upgrade(
    { method, path, query, body }: LibpodRequest,
    signal: AbortSignal,
  ): Promise<readonly [Socket, Buffer] | IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: this.#socketPath,
        agent: false,
        method,
        path: `${apiPath}${path}${toQueryString(query)}`,
        headers: {
          host: 'podman',
          connection: 'upgrade',
          upgrade: 'tcp',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        signal,
      });
      outgoing.once('upgrade', (_response, socket, head) => resolve([socket as Socket, head]));
      outgoing.once('response', resolve);
      outgoing.once('error', (error) => {
        reject(isAbortOf(signal, error) ? signal.reason : toConnectionError(this.#socketPath, error));
      });
      // Where there is to be no body, Podman takes any for the process's input.
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#quick.destroy(), this.#patient.destroy()]);
  }

  async #callOn(pool: Pool, request: LibpodRequest, options: CallOptions): Promise<void> {
    const response = await this.#send(pool, request, options);
    await this.#read(options, () => response.body.dump());
  }

  /** Rejects where the status says that it went wrong. */
  async #send(pool: Pool, request: LibpodRequest, { signal }: CallOptions): Promise<Dispatcher.ResponseData> {
    const { method, body } = request;
    const headers = { ...request.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await this.#read({ signal }, () =>
      pool.request({
        method,
        path: `${apiPath}${request.path}${toQueryString(request.query)}`,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      }),
    );
    if (response.statusCode < 400) return response;
    const text = await this.#read({ signal }, () => response.body.text());
    throw toCodedError(response.statusCode, parseErrorBody(text));
  }

  async *#chunks(response: Dispatcher.ResponseData, options: CallOptions): AsyncGenerator<Uint8Array, void> {
    const chunks = response.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    try {
      for (;;) {
        const chunk = await this.#read(options, () => chunks.next());
        if (chunk.done) return;
        yield chunk.value;
      }
    } finally {
      response.body.destroy();
    }
  }

  /** Does `work` and puts what goes wrong with the connection into our words. */
  async #read<T>({ signal }: CallOptions, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (isAbortOf(signal, error)) throw signal.reason;
      throw toConnectionError(this.#socketPath, error);
    }
  }
}

function isConnection(answer: readonly [Socket, Buffer] | IncomingMessage): answer is readonly [Socket, Buffer] {
  return Array.isArray(answer);
}

/** One segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

/** Podman's filters: JSON of lists. */
export function toFilters(filters: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify(filters);
}

/** Labels as Podman's filters have them; a thing must carry all of them. */
export function toLabelFilter(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

function toQueryString(query: Readonly<Record<string, QueryValue>> = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) parameters.append(key, String(item));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function parseErrorBody(text: string): PodmanErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) return body;
  } catch {
    // Not one of Podman's own answers.
  }
  return { message: text.trim() };
}

function toConnectionError(socketPath: string, error: unknown): CodedError {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new CodedError('Timeout', `Podman gave no answer within ${quickTimeoutMs} ms`, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const advice =
    code === 'EACCES'
      ? 'this process may not open it'
      : code === 'ENOENT' || code === 'ECONNREFUSED'
        ? 'is its service running? (systemctl enable --now podman.socket)'
        : messageOf(error);
  return new CodedError('Unavailable', `Podman does not answer at unix://${socketPath}: ${advice}`, { cause: error });
}
