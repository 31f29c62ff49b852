import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectMeta } from '../../kubernetes/objects.ts';
import { type Clock, toRfc3339 } from '../../support/clock.ts';

/** An object as the fake keeps it: never changed in place. */
export type StoredObject = KubernetesObject & { readonly metadata: ObjectMeta; readonly [field: string]: unknown };

/** Group, version and plural: `/v1/pods`, `coordination.k8s.io/v1/leases`. */
export type Collection = string;

export interface StoreEvent {
  readonly version: number;
  readonly collection: Collection;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
  /** What it was before; undefined for a new one. */
  readonly previous: StoredObject | undefined;
}

/** A refusal, in the API server's words. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  /** The field at fault, in `details.causes`. */
  readonly field: string | undefined;

  constructor(code: number, reason: string, message: string, field?: string) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.field = field;
  }
}

export interface DeleteRequest {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Objects, their versions and the history of their changes; what etcd and the registry are to the API server. */
export class FakeApiStore {
  readonly #clock: Clock;
  readonly #historyLimit: number;
  readonly #collections = new Map<Collection, Map<string, StoredObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  #version = 1000;
  #compactedTo = 1000;

  constructor(options: { readonly clock: Clock; readonly historyLimit: number }) {
    this.#clock = options.clock;
    this.#historyLimit = options.historyLimit;
  }

  get version(): number {
    return this.#version;
  }

  /** Calls `listener` for each change until the answer is called. */
  listen(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Changes of the collection after `version`; undefined where they are no longer all known (410). */
  since(collection: Collection, version: number): StoreEvent[] | undefined {
    if (version < this.#compactedTo) return undefined;
    return this.#history.filter((event) => event.version > version && event.collection === collection);
  }

  /** Forgets the history, so that every older resource version is too old. */
  compact(): void {
    this.#history = [];
    this.#version += 1;
    this.#compactedTo = this.#version;
  }

  /** By namespace and name. */
  list(collection: Collection): StoredObject[] {
    const objects = [...(this.#collections.get(collection)?.entries() ?? [])];
    return objects.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  find(collection: Collection, key: string): StoredObject | undefined {
    return this.#collections.get(collection)?.get(key);
  }

  get(collection: Collection, key: string): StoredObject {
    const object = this.find(collection, key);
    if (object === undefined) throw notFound(collection, key);
    return object;
  }

  create(collection: Collection, object: StoredObject): StoredObject {
    const { metadata } = object;
    const name = metadata.name ?? `${metadata.generateName ?? ''}${randomUUID().slice(0, 5)}`;
    const key = keyOf({ ...metadata, name });
    if (this.find(collection, key) !== undefined) {
      throw new StatusError(409, 'AlreadyExists', `${pluralOf(collection)} "${name}" already exists`);
    }
    const created: StoredObject = {
      ...object,
      metadata: {
        ...metadata,
        name,
        uid: metadata.uid ?? randomUUID(),
        creationTimestamp: metadata.creationTimestamp ?? toRfc3339(this.#clock.now()),
        generation: 1,
        managedFields: [{ manager: 'fake', operation: 'Update' }],
      },
    };
    return this.#commit(collection, key, 'ADDED', created);
  }

  /**
   * Puts `next` in the place of the object of that key. A different `metadata.uid` or `metadata.resourceVersion`, where
   * given, is a conflict. What equals the present object makes no event. An object that waits for its finalizers goes
   * with the last of them.
   */
  replace(collection: Collection, key: string, next: StoredObject): StoredObject {
    const current = this.get(collection, key);
    checkPreconditions(collection, current, next.metadata);
    const isSpecChanged = !isDeepStrictEqual(next['spec'], current['spec']);
    const replaced: StoredObject = {
      ...next,
      metadata: {
        ...next.metadata,
        ...identityOf(current.metadata),
        generation: (current.metadata.generation ?? 1) + (isSpecChanged ? 1 : 0),
      },
    };
    if (isDeepStrictEqual(replaced, current)) return current;
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = replaced.metadata;
    if (deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0) {
      return this.#commit(collection, key, 'DELETED', replaced);
    }
    return this.#commit(collection, key, 'MODIFIED', replaced);
  }

  /**
   * As the API server deletes: a bound pod that has not ended keeps its object, with deletionTimestamp, until it is
   * deleted with grace 0; a shorter grace replaces a longer one, never the reverse. Everything else goes at once, or
   * with its last finalizer.
   */
  delete(collection: Collection, key: string, request: DeleteRequest): StoredObject {
    const current = this.get(collection, key);
    checkPreconditions(collection, current, request.preconditions ?? {});
    const { deletionGracePeriodSeconds: earlier, finalizers = [] } = current.metadata;
    const asked = collection === '/v1/pods' ? podGraceSeconds(current, request) : 0;
    const grace = earlier === undefined ? asked : Math.min(asked, earlier);
    if (grace === 0 && finalizers.length === 0) return this.#commit(collection, key, 'DELETED', current);
    if (grace === earlier) return current;
    const metadata: ObjectMeta = {
      ...current.metadata,
      deletionTimestamp: toRfc3339(this.#clock.now() + grace * 1000),
      deletionGracePeriodSeconds: grace,
      generation: (current.metadata.generation ?? 1) + 1,
    };
    return this.#commit(collection, key, 'MODIFIED', { ...current, metadata });
  }

  #commit(collection: Collection, key: string, type: StoreEvent['type'], object: StoredObject): StoredObject {
    const objects = this.#collections.get(collection) ?? new Map<string, StoredObject>();
    this.#collections.set(collection, objects);
    const previous = objects.get(key);
    this.#version += 1;
    const committed = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, committed);
    const event: StoreEvent = { version: this.#version, collection, type, object: committed, previous };
    this.#history.push(event);
    if (this.#history.length > 2 * this.#historyLimit) {
      const forgotten = this.#history.splice(0, this.#history.length - this.#historyLimit);
      this.#compactedTo = forgotten.at(-1)?.version ?? this.#compactedTo;
    }
    for (const listener of [...this.#listeners]) listener(event);
    return committed;
  }
}

/** `namespace/name`, or the name alone for cluster-scoped kinds. */
export function keyOf(metadata: { readonly namespace?: string; readonly name?: string }): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name ?? ''}` : (metadata.name ?? '');
}

export function notFound(collection: Collection, key: string): StatusError {
  return new StatusError(404, 'NotFound', `${pluralOf(collection)} "${key.split('/').at(-1)}" not found`);
}

function pluralOf(collection: Collection): string {
  const [group, , plural] = collection.split('/');
  return group ? `${plural}.${group}` : (plural ?? '');
}

function podGraceSeconds(pod: StoredObject, request: DeleteRequest): number {
  const { spec, status } = pod as { spec?: Record<string, unknown>; status?: { phase?: string } };
  if (!spec?.['nodeName'] || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return request.gracePeriodSeconds ?? (spec['terminationGracePeriodSeconds'] as number | undefined) ?? 30;
}

function checkPreconditions(
  collection: Collection,
  current: StoredObject,
  expected: { readonly uid?: string; readonly resourceVersion?: string },
): void {
  const { uid, resourceVersion, name } = current.metadata;
  const says = `Operation cannot be fulfilled on ${pluralOf(collection)} "${name}"`;
  if (expected.uid !== undefined && expected.uid !== uid) {
    const message = `${says}: Precondition failed: UID in precondition: ${expected.uid}, UID in object meta: ${uid}`;
    throw new StatusError(409, 'Conflict', message);
  }
  if (expected.resourceVersion !== undefined && expected.resourceVersion !== resourceVersion) {
    const message = `${says}: the object has been modified; please apply your changes to the latest version and try again`;
    throw new StatusError(409, 'Conflict', message);
  }
}

/** What no update changes. */
function identityOf(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds, managedFields } = metadata;
  const identity = { name, namespace, uid, resourceVersion, creationTimestamp, managedFields };
  const deletion = { deletionTimestamp, deletionGracePeriodSeconds };
  const known = Object.entries({ ...identity, ...deletion }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as ObjectMeta;
}
