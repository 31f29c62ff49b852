import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { Logger } from '../support/logger.ts';
import type { Resource } from './client.ts';
import { Reflector, type ReflectorDependencies, type ReflectorScope, type ReflectorState } from './reflector.ts';
import { type IndexFunction, type ReadonlyStore, Store, storeKey } from './store.ts';

/**
 * Told of changes after the store has them, in their order, one at a time. An object deleted and created again under
 * its name is `deleted` and `added`, also where that was seen only by listing. What a handler throws is logged.
 */
export interface InformerHandler<T> {
  added?(object: T): void;
  updated?(object: T, previous: T): void;
  /** With the last state known. */
  deleted?(object: T): void;
  /** The API server can be watched again after it could not: what failed meanwhile may be tried again. */
  recovered?(): void;
}

export interface InformerOptions<T> extends ReflectorScope {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
}

/** A local copy of the objects of one kind in one scope, kept equal to the API server's, with news of its changes. */
export class Informer<T extends KubernetesObject> {
  readonly #store: Store<T>;
  readonly #reflector: Reflector<T>;
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #log: Logger;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;

  constructor(resource: Resource<T>, options: InformerOptions<T>, dependencies: ReflectorDependencies) {
    const { indexes, ...scope } = options;
    this.#store = new Store(indexes);
    this.#log = dependencies.log;
    const target = {
      replace: (objects: readonly T[]) => this.#replace(objects),
      put: (object: T) => this.#put(object),
      remove: (object: T) => this.#remove(object),
      recovered: () => {
        for (const handler of this.#handlers) this.#tell(() => handler.recovered?.());
      },
    };
    this.#reflector = new Reflector(resource, { scope, target }, dependencies);
    // whoever never awaits it must not be told of its end
    this.#synced.promise.catch(() => {});
  }

  get store(): ReadonlyStore<T> {
    return this.#store;
  }

  /** Whether the store has once held everything; it may have grown old since, see `state`. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves when `hasSynced` becomes true; rejects with the signal's reason where `run` ends before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get state(): ReflectorState {
    return this.#reflector.state;
  }

  /** Adds a handler; it is told of what the store has already as `added`. */
  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#store.values()) this.#tell(() => handler.added?.(object));
  }

  /** Follows the API server until the signal aborts, then resolves. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#reflector.run(signal);
    this.#synced.reject(signal.reason);
  }

  #replace(objects: readonly T[]): void {
    const keys = new Set(objects.map(({ metadata }) => storeKey(metadata ?? {})));
    const gone = [...this.#store.values()].filter(({ metadata }) => !keys.has(storeKey(metadata ?? {})));
    for (const object of gone) this.#remove(object);
    for (const object of objects) this.#put(object);
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #put(object: T): void {
    const present = this.#store.presentOf(object);
    if (present !== undefined && present.metadata?.uid !== object.metadata?.uid) this.#remove(present);
    else if (present?.metadata?.resourceVersion === object.metadata?.resourceVersion && present !== undefined) return;
    const replaced = this.#store.put(object);
    for (const handler of this.#handlers) {
      this.#tell(() => (replaced === undefined ? handler.added?.(object) : handler.updated?.(object, replaced)));
    }
  }

  #remove(object: T): void {
    if (this.#store.remove(object) === undefined) return;
    for (const handler of this.#handlers) this.#tell(() => handler.deleted?.(object));
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('A handler of changes failed; the change is lost to it', { error });
    }
  }
}
