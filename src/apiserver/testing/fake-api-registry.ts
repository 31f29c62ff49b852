import { type Clock, toRfc3339 } from '../../support/clock.ts';
import type { PatchType } from '../client.ts';
import { applyPatch } from './fake-api-patch.ts';
import { type ApiPath, apiVersionOf, kindOf, type LoggedRequest } from './fake-api-request.ts';
import { fieldMatcher, labelMatcher } from './fake-api-selectors.ts';
import { type DeleteRequest, type FakeApiStore, keyOf, StatusError, type StoredObject } from './fake-api-store.ts';

interface Page {
  readonly version: string;
  readonly objects: readonly StoredObject[];
}

/** What the verbs mean: requests become reads and writes of the store. */
export class FakeApiRegistry {
  readonly #store: FakeApiStore;
  readonly #clock: Clock;
  readonly #pages = new Map<string, Page>();
  #pageCount = 0;
  #tokenCount = 0;

  constructor(store: FakeApiStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Makes every continue token too old. */
  forgetPages(): void {
    this.#pages.clear();
  }

  selector(path: ApiPath, query: LoggedRequest['query']): (object: object) => boolean {
    const byField = fieldMatcher(query['fieldSelector']);
    const byLabel = labelMatcher(query['labelSelector']);
    return (object) =>
      (path.namespace === undefined || (object as StoredObject).metadata.namespace === path.namespace) &&
      byField(object) &&
      byLabel(object);
  }

  handle(path: ApiPath | undefined, logged: LoggedRequest): object {
    const { method, body } = logged;
    if (path === undefined) {
      if (logged.path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.3' };
      if (['/healthz', '/livez', '/readyz'].includes(logged.path)) return { status: 'ok' };
      throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
    }
    const typeMeta = { kind: kindOf(path.plural), apiVersion: apiVersionOf(path) };
    if (path.name === undefined) {
      if (method === 'GET') return this.#list(path, logged);
      if (method === 'POST') return { ...typeMeta, ...this.#create(path, body as StoredObject) };
      throw new StatusError(405, 'MethodNotAllowed', `${method} is not supported on collections`);
    }
    const key = keyOf({ ...(path.namespace === undefined ? {} : { namespace: path.namespace }), name: path.name });
    if (method === 'POST' && path.subresource === 'token') return this.#createToken(path, key, body);
    switch (method) {
      case 'GET':
        return { ...typeMeta, ...this.#store.get(path.collection, key) };
      case 'PUT':
        return { ...typeMeta, ...this.#update(path, key, body as StoredObject) };
      case 'PATCH':
        return { ...typeMeta, ...this.#patch(path, key, logged) };
      case 'DELETE':
        return { ...typeMeta, ...this.#store.delete(path.collection, key, deleteRequest(logged)) };
      default:
        throw new StatusError(405, 'MethodNotAllowed', `${method} is not supported here`);
    }
  }

  #list(path: ApiPath, { query }: LoggedRequest): object {
    const token = query['continue'];
    const matches = this.selector(path, query);
    const [pageId = '', offsetText = '0'] = token?.split(':') ?? [];
    const page = token
      ? this.#pages.get(pageId)
      : { version: String(this.#store.version), objects: this.#store.list(path.collection).filter(matches) };
    if (page === undefined) throw new StatusError(410, 'Expired', 'The provided continue parameter is too old');
    const limit = Number(query['limit'] ?? 0) || Number.POSITIVE_INFINITY;
    const offset = Number(offsetText);
    const end = offset + limit;
    const metadata: { resourceVersion: string; continue?: string } = { resourceVersion: page.version };
    if (end < page.objects.length) {
      const id = token ? pageId : `page-${++this.#pageCount}`;
      this.#pages.set(id, page);
      metadata.continue = `${id}:${end}`;
    }
    const items = page.objects.slice(offset, end).map(({ kind: _, apiVersion: __, ...item }) => item);
    return { kind: `${kindOf(path.plural)}List`, apiVersion: apiVersionOf(path), metadata, items };
  }

  #create(path: ApiPath, object: StoredObject): StoredObject {
    const { collection, namespace, name } = path;
    if (name !== undefined) throw new StatusError(405, 'MethodNotAllowed', 'POST is not supported here');
    const metadata = namespace === undefined ? object.metadata : { ...object.metadata, namespace };
    const { resourceVersion: _, ...fresh } = metadata;
    checkEventNamespace(path, object);
    const status = collection === '/v1/pods' ? { status: { phase: 'Pending' } } : {};
    return this.#store.create(collection, { ...object, metadata: fresh, ...status });
  }

  #update(path: ApiPath, key: string, next: StoredObject): StoredObject {
    const current = this.#store.get(path.collection, key);
    return this.#store.replace(path.collection, key, scoped(path, current, next));
  }

  #patch(path: ApiPath, key: string, { headers, body }: LoggedRequest): StoredObject {
    const type = /application\/(json|merge|strategic-merge)-patch\+json/.exec(headers['content-type'] ?? '')?.[1];
    if (type === undefined) throw new StatusError(415, 'UnsupportedMediaType', 'unsupported patch type');
    const current = this.#store.get(path.collection, key);
    const patchType = type === 'strategic-merge' ? 'strategic' : (type as PatchType);
    const patched = applyPatch(patchType, current, body) as StoredObject;
    if (patched.metadata.uid !== current.metadata.uid) {
      const message = `${kindOf(path.plural)} "${path.name}" is invalid: metadata.uid: field is immutable`;
      throw new StatusError(422, 'Invalid', message, 'metadata.uid');
    }
    return this.#store.replace(path.collection, key, scoped(path, current, patched));
  }

  #createToken(path: ApiPath, key: string, body: unknown): object {
    this.#store.get(path.collection, key);
    const { spec } = body as { spec?: { expirationSeconds?: number } };
    this.#tokenCount += 1;
    const expiresAtMs = this.#clock.now() + (spec?.expirationSeconds ?? 3600) * 1000;
    const status = { token: `fake-token-${this.#tokenCount}`, expirationTimestamp: toRfc3339(expiresAtMs) };
    return { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec, status };
  }
}

/** The part of `next` that the request may change: status by its subresource, the rest by the object itself. */
function scoped(path: ApiPath, current: StoredObject, next: StoredObject): StoredObject {
  const { uid, resourceVersion, annotations } = next.metadata;
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const withoutStatus = ({ status: _, ...rest }: StoredObject): StoredObject => rest;
  if (path.subresource === 'status') {
    const metadata = { ...current.metadata, ...preconditions, ...(annotations && { annotations }) };
    return { ...current, metadata, status: next['status'] };
  }
  const hasStatusSubresource = path.plural === 'pods' || path.plural === 'nodes';
  if (!hasStatusSubresource) return next;
  return 'status' in current ? { ...next, status: current['status'] } : withoutStatus(next);
}

function deleteRequest({ query, body }: LoggedRequest): DeleteRequest {
  const options = (body ?? {}) as DeleteRequest;
  const grace = query['gracePeriodSeconds'];
  return grace === undefined ? options : { ...options, gracePeriodSeconds: Number(grace) };
}

function checkEventNamespace(path: ApiPath, object: StoredObject): void {
  if (path.collection !== '/v1/events') return;
  const involved = (object['involvedObject'] as { namespace?: string } | undefined)?.namespace ?? 'default';
  if (involved !== path.namespace) {
    throw new StatusError(422, 'Invalid', 'Event is invalid: involvedObject.namespace: does not match event.namespace');
  }
}
