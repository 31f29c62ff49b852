import type { KubernetesObject, ObjectMeta } from '../kubernetes/objects.ts';
import { withTimeout } from '../support/abort.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError, hasCode } from '../support/errors.ts';
import type { Random } from '../support/random.ts';
import type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  List,
  ListOptions,
  ObjectKey,
  PatchOptions,
  PatchType,
  Resource,
  WatchEvent,
  WatchOptions,
} from './client.ts';
import type { Access, Credentials } from './credentials.ts';
import {
  ConnectionCut,
  ConnectionSilent,
  connectionError,
  type HttpAnswer,
  type HttpRequest,
  HttpTransport,
} from './http.ts';
import { resourceLabel, resourcePath, withQuery } from './paths.ts';
import { errorOfAnswer, retryAfterMsOf } from './status-error.ts';
import { watchEvents, watchSeconds } from './watch.ts';

/** One request that has been answered or has failed; for metrics. */
export interface ObservedCall {
  readonly verb: Verb;
  /** `pods`, `pods/status`, `serviceaccounts/token`. */
  readonly resource: string;
  /** HTTP status, or `error` where there was no answer; as client-go's rest_client_requests_total. */
  readonly code: string;
  /** Until the answer's first byte. */
  readonly durationMs: number;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export interface ApiClientDependencies {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: Random;
  /** `virtual-kubelet/0.1.0 (linux/x64)`. */
  readonly userAgent: string;
  readonly observe?: (call: ObservedCall) => void;
}

const defaultTimeoutMs = 30_000;
const minRetryMs = 500;

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

interface Call {
  readonly verb: Verb;
  readonly resource: string;
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Done twice, it leaves what doing it once leaves. */
  readonly isIdempotent: boolean;
}

/** The client of one cluster. Starts nothing before its first call; `close` ends its connections. */
export class KubernetesApiClient implements ApiClient {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observe: (call: ObservedCall) => void;
  readonly #transport: HttpTransport;

  constructor(dependencies: ApiClientDependencies) {
    this.#credentials = dependencies.credentials;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#observe = dependencies.observe ?? (() => {});
    this.#transport = new HttpTransport(dependencies.userAgent);
  }

  /** Ends all connections and the renewal of credentials. */
  async close(): Promise<void> {
    this.#credentials.close();
    await this.#transport.close();
  }

  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions = {}): Promise<T> {
    const path = resourcePath(resource, key);
    return this.#call({ verb: 'get', resource: resource.plural, method: 'GET', path, isIdempotent: true }, options);
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const path = withQuery(resourcePath(resource, { namespace: options.namespace }), {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      limit: options.limit,
      continue: options.continueToken,
      resourceVersion: options.resourceVersion,
    });
    const call = { verb: 'list', resource: resource.plural, method: 'GET', path, isIdempotent: true } as const;
    const list = await this.#call<{ metadata: List<T>['metadata']; items: T[] | null }>(call, options);
    const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    // the API server leaves them out in lists; no reader should have to care where an object came from
    const items = (list.items ?? []).map((item) => Object.assign(item, { apiVersion, kind: resource.kind }));
    return { metadata: list.metadata, items };
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T & { metadata: ObjectMeta },
    options: CallOptions = {},
  ): Promise<T> {
    const path = resourcePath(resource, { namespace: object.metadata.namespace });
    const call = { verb: 'create', resource: resource.plural, method: 'POST', path, isIdempotent: false } as const;
    return this.#call({ ...call, body: object }, options);
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const { type, subresource } = options;
    return this.#call(
      {
        verb: 'patch',
        resource: labelOf(resource, subresource),
        method: 'PATCH',
        path: resourcePath(resource, { ...key, subresource }),
        body: patch,
        contentType: patchContentTypes[type],
        isIdempotent: type !== 'json',
      },
      options,
    );
  }

  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T & { metadata: ObjectMeta },
    options: CallOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { subresource } = options;
    const { namespace, name } = object.metadata;
    const path = resourcePath(resource, { namespace, name, subresource });
    const resourceName = labelOf(resource, subresource);
    const call = { verb: 'update', resource: resourceName, method: 'PUT', path, isIdempotent: true } as const;
    return this.#call({ ...call, body: object }, options);
  }

  async delete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<void> {
    const { gracePeriodSeconds, uid, resourceVersion } = options;
    const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, preconditions };
    const path = resourcePath(resource, key);
    const call = { verb: 'delete', resource: resource.plural, method: 'DELETE', path, isIdempotent: true } as const;
    await this.#call({ ...call, body }, options);
  }

  post<Answer>(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    const call = { verb: 'create', resource: resourceLabel(path), method: 'POST', path, isIdempotent: false } as const;
    return this.#call({ ...call, body }, options);
  }

  async *watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const seconds = watchSeconds(this.#random);
    const path = withQuery(resourcePath(resource, { namespace: options.namespace }), {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      timeoutSeconds: seconds,
    });
    const { signal } = options;
    const call = { verb: 'watch', resource: resource.plural, method: 'GET', path, isIdempotent: true } as const;
    let access = await this.#credentials.current({ signal });
    let isOpen = false;
    for (let isRenewed = false; ; isRenewed = true) {
      try {
        yield* watchEvents<T>({
          what: `the watch of ${resource.plural}`,
          server: access.endpoint.server,
          clock: this.#clock,
          seconds,
          replaced: access.replaced,
          signal,
          open: (ended) => this.#openWatch(call, access, ended),
          onOpen: () => {
            isOpen = true;
            options.onOpen?.();
          },
        });
        return;
      } catch (error) {
        if (error instanceof ConnectionSilent) this.#transport.distrustConnections();
        if (!hasCode(error, 'Unauthorized') || isRenewed || isOpen) throw error;
        access = await this.#credentials.renew(access, { signal });
      }
    }
  }

  async #openWatch(call: Call, access: Access, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#send(call, access, signal);
    if (answer.statusCode === 200) return answer;
    throw await errorOf(call, answer);
  }

  async #call<Answer>(call: Call, options: CallOptions): Promise<Answer> {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const deadlineMs = this.#clock.now() + timeoutMs;
    const what = `${call.method} ${call.path}`;
    return await withTimeout(what, { timeoutMs, clock: this.#clock, signal }, (ended) =>
      this.#attempts<Answer>(call, deadlineMs, ended),
    );
  }

  /** Tries until there is an answer to give back, or an error that another try before the deadline cannot cure. */
  async #attempts<Answer>(call: Call, deadlineMs: number, signal: AbortSignal): Promise<Answer> {
    let access = await this.#credentials.current({ signal });
    let isRenewed = false;
    let isRepeated = false;
    for (;;) {
      try {
        return await this.#attempt<Answer>(call, access, signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof CodedError)) throw error;
        if (error.code === 'Unauthorized' && !isRenewed) {
          isRenewed = true;
          access = await this.#credentials.renew(access, { signal });
        } else if (error instanceof ConnectionCut && call.isIdempotent && !isRepeated) {
          isRepeated = true;
        } else {
          const waitMs = this.#retryWaitMs(error);
          if (waitMs === undefined || this.#clock.now() + waitMs >= deadlineMs) throw error;
          await this.#clock.sleep(waitMs, { signal });
        }
      }
    }
  }

  /** As long as the API server asks, and by chance up to half as long again: others were told the same. */
  #retryWaitMs({ retryAfterMs }: CodedError): number | undefined {
    return retryAfterMs === undefined ? undefined : Math.max(retryAfterMs, minRetryMs) * (1 + this.#random() / 2);
  }

  async #attempt<Answer>(call: Call, access: Access, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#send(call, access, signal);
    if (answer.statusCode >= 300) throw await errorOf(call, answer);
    try {
      return (await answer.body.json()) as Answer;
    } catch (error) {
      throw signal.aborted ? signal.reason : connectionError(error, access.endpoint.server);
    }
  }

  async #send(call: Call, access: Access, signal: AbortSignal): Promise<HttpAnswer> {
    const { verb, resource, method, path, body, contentType = 'application/json' } = call;
    const content = body === undefined ? {} : { body: JSON.stringify(body), contentType };
    const startedAtMs = this.#clock.now();
    let code = 'error';
    try {
      const request = { method, path, access, signal, ...content };
      const answer = await (verb === 'watch' ? this.#transport.watch(request) : this.#transport.call(request));
      code = String(answer.statusCode);
      return answer;
    } finally {
      this.#observe({ verb, resource, code, durationMs: this.#clock.now() - startedAtMs });
    }
  }
}

function labelOf<T extends KubernetesObject>({ plural }: Resource<T>, subresource: string | undefined): string {
  return subresource === undefined ? plural : `${plural}/${subresource}`;
}

async function errorOf(call: Call, answer: HttpAnswer): Promise<CodedError> {
  return errorOfAnswer(`${call.method} ${call.path}`, {
    status: answer.statusCode,
    body: await answer.body.text(),
    retryAfterMs: retryAfterMsOf(answer.headers['retry-after']),
  });
}
