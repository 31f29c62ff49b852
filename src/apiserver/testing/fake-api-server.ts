import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KubernetesObject, ObjectMeta } from '../../kubernetes/objects.ts';
import { type Clock, systemClock } from '../../support/clock.ts';
import type { DeleteOptions, ObjectKey, PatchType, Resource } from '../client.ts';
import { type FaultRule, FaultRules, Ice } from './fake-api-faults.ts';
import { applyPatch, PatchError } from './fake-api-patch.ts';
import { FakeApiRegistry } from './fake-api-registry.ts';
import { type ApiPath, apiVersionOf, kindOf, type LoggedRequest, parseApiPath } from './fake-api-request.ts';
import { FakeApiStore, keyOf, StatusError, type StoredObject } from './fake-api-store.ts';
import { FakeWatch } from './fake-api-watch.ts';

export interface FakeApiServerOptions {
  /** For timestamps, bookmarks and watch timeouts; default the machine's. */
  readonly clock?: Clock;
  /** Changes that watches can resume over; older resource versions are answered with 410. Default 10,000. */
  readonly historyLimit?: number;
  /** Default 60,000 ms, as the API server's watch cache. */
  readonly bookmarkIntervalMs?: number;
  /** Serves HTTPS; with `clientCa`, client certificates are asked for and count as credentials. PEM. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientCa?: string };
}

/** Answers a POST to a path of its own, such as `/apis/authorization.k8s.io/v1/subjectaccessreviews`. */
export type PostHandler = (body: unknown) => object;

/**
 * An API server for tests, in process and on a real socket of the loopback interface: any group, version and resource;
 * get, list (pages, selectors), create, update, patch (json, merge, strategic), status and other subresources, delete
 * with preconditions and the grace of pods, watch with history and bookmarks, service account tokens; conflicts by
 * resource version. Nothing is validated and nobody is authorized.
 *
 * ```ts
 * const server = await FakeApiServer.start();
 * t.after(() => server.close());
 * server.put(pods, { metadata: { namespace: 'default', name: 'web' }, spec: { nodeName: 'vk', containers: [] } });
 * server.fail({ fault: { kind: 'status', code: 429, retryAfterSeconds: 1 }, matches: (r) => r.method === 'PATCH' });
 * ```
 *
 * State, without a request: `put`, `find`, `list`, `patch`, `remove`. Faults: `fail`, `cutConnections`, `freeze`,
 * `freezeOpenConnections`, `thaw`, `compact` (410), `endWatches`, `failWatches`, `acceptedTokens` (401). Everything
 * asked is in `requests`.
 */
export class FakeApiServer {
  readonly url: string;
  readonly requests: LoggedRequest[] = [];
  /** Bearer tokens that are let in; undefined lets everyone in. Open watches stay open, as with the real one. */
  acceptedTokens: ReadonlySet<string> | undefined;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #store: FakeApiStore;
  readonly #bookmarkIntervalMs: number;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<FakeWatch>();
  readonly #faults = new FaultRules();
  readonly #ice = new Ice();
  readonly #postHandlers = new Map<string, PostHandler>();
  readonly #registry: FakeApiRegistry;

  private constructor(server: Server, options: FakeApiServerOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#store = new FakeApiStore({ clock: this.#clock, historyLimit: options.historyLimit ?? 10_000 });
    this.#registry = new FakeApiRegistry(this.#store, this.#clock);
    this.#bookmarkIntervalMs = options.bookmarkIntervalMs ?? 60_000;
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
    server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    const { tls } = options;
    const server = tls
      ? createTlsServer({
          key: tls.key,
          cert: tls.cert,
          ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: false }),
        })
      : createServer();
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeApiServer(server, options);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.thaw();
    this.cutConnections();
    await closed;
  }

  /** Creates the object or puts it in the place of the present one, status and all; watches see it. */
  put<T extends KubernetesObject>(resource: Resource<T>, object: T & { metadata: ObjectMeta }): T {
    const collection = collectionOf(resource);
    const stored = structuredClone(object) as unknown as StoredObject;
    const key = keyOf(stored.metadata);
    const current = this.#store.find(collection, key);
    const put = current ? this.#store.replace(collection, key, stored) : this.#store.create(collection, stored);
    return structuredClone(put) as unknown as T;
  }

  find<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey): T | undefined {
    return structuredClone(this.#store.find(collectionOf(resource), keyOf(key))) as unknown as T | undefined;
  }

  list<T extends KubernetesObject>(resource: Resource<T>): T[] {
    return structuredClone(this.#store.list(collectionOf(resource))) as unknown as T[];
  }

  /** Applies a patch to the whole object, status included. */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    type: PatchType = 'merge',
  ): T {
    const collection = collectionOf(resource);
    const current = this.#store.get(collection, keyOf(key));
    const patched = applyPatch(type, current, patch) as StoredObject;
    return structuredClone(this.#store.replace(collection, keyOf(key), patched)) as unknown as T;
  }

  /** Deletes as a user does: a bound pod ends gracefully unless `gracePeriodSeconds` is 0. */
  remove<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions = {}): void {
    const { gracePeriodSeconds } = options;
    this.#store.delete(
      collectionOf(resource),
      keyOf(key),
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    );
  }

  /** Answers POSTs to `path` by `handler`, for reviews. */
  onPost(path: string, handler: PostHandler): void {
    this.#postHandlers.set(path, handler);
  }

  /** Lets the next requests that the rule matches go wrong. */
  fail(rule: FaultRule): void {
    this.#faults.add(rule);
  }

  /** Forgets the rules given to `fail`. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Cuts all connections at once. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** No byte passes any more on any connection, old or new, until `thaw`; none is closed. */
  freeze(): void {
    this.#ice.freezeAll();
  }

  /** No byte passes any more on the connections that are open now, for good; new ones work. */
  freezeOpenConnections(): void {
    for (const socket of this.#sockets) this.#ice.freeze(socket);
  }

  thaw(): void {
    this.#ice.thaw();
  }

  /** Makes every resource version and continue token known so far too old: 410. */
  compact(): void {
    this.#store.compact();
    this.#registry.forgetPages();
  }

  /** Ends all open watches in order, as at their timeout. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  /** Ends all open watches with an ERROR event. */
  failWatches(code: number, reason: string, message = reason): void {
    for (const watch of this.#watches) watch.sendError(code, reason, message);
  }

  /** Sends a bookmark on all open watches now. */
  sendBookmarks(): void {
    for (const watch of this.#watches) watch.sendBookmark();
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', this.url);
      const text = await readText(request);
      const certificate = (request.socket as Partial<TLSSocket>).getPeerCertificate?.();
      const logged: LoggedRequest = {
        method: request.method ?? 'GET',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        clientName: certificate?.subject?.CN as string | undefined,
        isWatch: ['1', 'true'].includes(url.searchParams.get('watch') ?? ''),
        body: text ? JSON.parse(text) : undefined,
        code: undefined,
      };
      response.on('finish', () => {
        logged.code = response.statusCode;
      });
      this.requests.push(logged);
      await this.#ice.passable(request.socket);
      await this.#answer(logged, request.socket, response);
    } catch {
      request.socket.destroy();
    }
  }

  async #answer(logged: LoggedRequest, socket: Socket, response: ServerResponse): Promise<void> {
    const fault = this.#faults.take(logged);
    if (fault?.kind === 'hang') this.#ice.freeze(socket);
    if (fault?.kind === 'cut' && fault.when === 'before') socket.destroy();
    await this.#ice.passable(socket);
    if (socket.destroyed) return;
    let code = 200;
    let body: object;
    try {
      this.#authenticate(logged);
      if (fault?.kind === 'status') throw faultStatus(fault.code, fault.reason);
      const path = parseApiPath(logged.path);
      if (logged.isWatch && path !== undefined) {
        this.#watch(path, logged, response);
        return;
      }
      const handler = logged.method === 'POST' ? this.#postHandlers.get(logged.path) : undefined;
      body = handler ? handler(logged.body) : this.#registry.handle(path, logged);
      if (logged.method === 'POST') code = 201;
    } catch (error) {
      const status = asStatus(error);
      code = status.code;
      body = statusBody(status);
    }
    if (fault?.kind === 'cut') {
      socket.destroy();
      return;
    }
    const retryAfter = fault?.kind === 'status' ? fault.retryAfterSeconds : undefined;
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  #authenticate(logged: LoggedRequest): void {
    if (this.acceptedTokens === undefined || logged.clientName !== undefined) return;
    const token = logged.headers.authorization?.replace(/^Bearer /, '');
    if (token === undefined || !this.acceptedTokens.has(token))
      throw new StatusError(401, 'Unauthorized', 'Unauthorized');
  }

  #watch(path: ApiPath, { query }: LoggedRequest, response: ServerResponse): void {
    const matches = this.#registry.selector(path, query);
    const request = {
      collection: path.collection,
      apiVersion: apiVersionOf(path),
      kind: kindOf(path.plural),
      matches,
      resourceVersion: query['resourceVersion'] ?? '',
      allowBookmarks: query['allowWatchBookmarks'] === 'true',
      timeoutSeconds: query['timeoutSeconds'] === undefined ? undefined : Number(query['timeoutSeconds']),
    };
    const context = {
      store: this.#store,
      clock: this.#clock,
      ice: this.#ice,
      bookmarkIntervalMs: this.#bookmarkIntervalMs,
    };
    const watch = new FakeWatch(request, response, context);
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
  }
}

function collectionOf<T extends KubernetesObject>({ group, version, plural }: Resource<T>): string {
  return `${group}/${version}/${plural}`;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function faultStatus(code: number, reason = reasons[code] ?? 'Unknown'): StatusError {
  return new StatusError(code, reason, `${reason} on purpose`);
}

function asStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof PatchError) return new StatusError(422, 'Invalid', error.message);
  return new StatusError(500, 'InternalError', error instanceof Error ? error.message : String(error));
}

function statusBody({ code, reason, message, field }: StatusError): object {
  const details = field === undefined ? {} : { details: { causes: [{ reason: 'FieldValueInvalid', field }] } };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...details, code };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
