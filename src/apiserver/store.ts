import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { ObjectKey } from './client.ts';

/** The values under which an index finds an object. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** What the API server has, as of the last event. Objects in it belong to everybody: never change them. */
export interface ReadonlyStore<T> {
  readonly size: number;
  get(key: ObjectKey): T | undefined;
  byUid(uid: string): T | undefined;
  inNamespace(namespace: string): readonly T[];
  /** Objects that the index of this name has under `value`. */
  byIndex(index: string, value: string): readonly T[];
  values(): Iterable<T>;
}

/** `namespace/name`, or the name alone for cluster-scoped kinds. */
export function storeKey({ namespace, name }: { readonly namespace?: string; readonly name?: string }): string {
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/** Objects by namespace and name, by UID, by namespace, and by indexes of the caller's. Every operation is O(1). */
export class Store<T extends KubernetesObject> implements ReadonlyStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #uids = new Map<string, T>();
  readonly #namespaces: Index<T> = new Index((object) => [object.metadata?.namespace ?? '']);
  readonly #indexes: ReadonlyMap<string, Index<T>>;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, valuesOf]) => [name, new Index(valuesOf)]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(storeKey(key));
  }

  byUid(uid: string): T | undefined {
    return this.#uids.get(uid);
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#namespaces.find(namespace);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new TypeError(`the store has no index ${name}`);
    return index.find(value);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** What is there under the object's namespace and name. */
  presentOf(object: T): T | undefined {
    return this.#objects.get(storeKey(object.metadata ?? {}));
  }

  /** Puts the object in, and gives what was there under its namespace and name. */
  put(object: T): T | undefined {
    const previous = this.presentOf(object);
    if (previous !== undefined) this.#unindex(previous);
    this.#objects.set(storeKey(object.metadata ?? {}), object);
    const uid = object.metadata?.uid;
    if (uid !== undefined) this.#uids.set(uid, object);
    this.#namespaces.add(object);
    for (const index of this.#indexes.values()) index.add(object);
    return previous;
  }

  /** Takes out what is there under the object's namespace and name, and gives it. */
  remove(object: T): T | undefined {
    const present = this.presentOf(object);
    if (present === undefined) return undefined;
    this.#objects.delete(storeKey(object.metadata ?? {}));
    this.#unindex(present);
    return present;
  }

  #unindex(object: T): void {
    const uid = object.metadata?.uid;
    if (uid !== undefined) this.#uids.delete(uid);
    this.#namespaces.remove(object);
    for (const index of this.#indexes.values()) index.remove(object);
  }
}

class Index<T> {
  readonly #valuesOf: IndexFunction<T>;
  readonly #objects = new Map<string, Set<T>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  find(value: string): readonly T[] {
    return [...(this.#objects.get(value) ?? [])];
  }

  add(object: T): void {
    for (const value of this.#valuesOf(object)) {
      const found = this.#objects.get(value);
      if (found === undefined) this.#objects.set(value, new Set([object]));
      else found.add(object);
    }
  }

  remove(object: T): void {
    for (const value of this.#valuesOf(object)) {
      const found = this.#objects.get(value);
      found?.delete(object);
      if (found?.size === 0) this.#objects.delete(value);
    }
  }
}
