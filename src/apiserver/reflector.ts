import type { KubernetesObject } from '../kubernetes/objects.ts';
import { type BackoffRange, jitteredBackoffDelayMs } from '../queue/backoff.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError, hasCode, messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { ApiClient, ListOptions, Resource } from './client.ts';

/** Whether what a reflector knows is the present state. */
export type ReflectorState =
  /** Nothing has been listed yet. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'watching' }
  /** Cannot list or watch; what is known grows old. */
  | { readonly kind: 'failing'; readonly sinceMs: number; readonly error: unknown };

/** Where a reflector writes what it sees. */
export interface ReflectorTarget<T> {
  /** Everything there is; what is not in it is gone. */
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(object: T): void;
  /** Watching works again after it had failed. */
  recovered(): void;
}

export interface ReflectorScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ReflectorDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A short cap: whoever waits for the API server to come back waits no longer than this after it did. */
const retryRange: BackoffRange = { baseMs: 500, capMs: 10_000 };
const pageSize = 500;
/** A watch that ends sooner and says nothing counts as a failure, lest we open watches without a pause. */
const shortWatchMs = 1000;
/** The API server ends no watch after so long without a bookmark, unless it does not know the version it began at. */
const longWatchMs = 25_000;

/**
 * Keeps a target equal to what the API server has: lists once, then watches from that version on; ended and broken
 * watches resume from the last version seen (bookmarks included), and only where that is too old (410) is everything
 * listed again. Every list asks for the newest state rather than for what a cache has: a cache that lags would lack
 * pods just bound to us, and pods that the API server does not have are ended. Versions are opaque.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #resource: Resource<T>;
  readonly #scope: ReflectorScope;
  readonly #target: ReflectorTarget<T>;
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  #version: string | undefined;
  #failures = 0;
  /** Listed again without a pause, and has not watched since. */
  #isListingAnew = false;
  #state: ReflectorState = { kind: 'starting' };

  constructor(
    resource: Resource<T>,
    options: { readonly scope: ReflectorScope; readonly target: ReflectorTarget<T> },
    { client, clock, random, log }: ReflectorDependencies,
  ) {
    this.#resource = resource;
    this.#scope = options.scope;
    this.#target = options.target;
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** Lists and watches until the signal aborts, then resolves. Failures are tried again, with backoff, for ever. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#list(signal);
        await this.#watch(this.#version, signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    let objects: T[] = [];
    let options: ListOptions = { ...this.#scope, limit: pageSize, signal };
    for (;;) {
      try {
        const { items, metadata } = await this.#client.list(this.#resource, options);
        for (const item of items) objects.push(trim(item));
        if (!metadata.continue) {
          this.#target.replace(objects);
          return metadata.resourceVersion;
        }
        options = { ...options, continueToken: metadata.continue };
      } catch (error) {
        if (!hasCode(error, 'Gone') || options.continueToken === undefined) throw error;
        // the pages of this list have grown too old while we read them: all in one piece, as client-go's pager does
        objects = [];
        options = { ...this.#scope, signal };
      }
    }
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const startedAtMs = this.#clock.now();
    let hasEvents = false;
    const onOpen = (): void => this.#noteSuccess();
    for await (const event of this.#client.watch(this.#resource, { ...this.#scope, resourceVersion, signal, onOpen })) {
      hasEvents = true;
      this.#noteProgress();
      if (event.type === 'BOOKMARK') {
        this.#version = event.resourceVersion;
        continue;
      }
      const object = trim(event.object);
      if (event.type === 'DELETED') this.#target.remove(object);
      else this.#target.put(object);
      this.#version = object.metadata?.resourceVersion;
    }
    const lastedMs = this.#clock.now() - startedAtMs;
    // a version from before etcd was restored is watched in silence (measured on 1.36.3), for ever
    if (!hasEvents && lastedMs >= longWatchMs) this.#version = undefined;
    if (hasEvents || lastedMs >= shortWatchMs) this.#noteProgress();
    else throw new CodedError('Unavailable', `the API server ends each watch of ${this.#resource.plural} at once`);
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    // Timeout: the API server knows no version that new, as after its restore from a backup
    if (hasCode(error, 'Gone') || hasCode(error, 'Timeout')) this.#version = undefined;
    // that a version grows too old once is the way of things, after an outage above all: list again at once
    if (hasCode(error, 'Gone') && !this.#isListingAnew) {
      this.#isListingAnew = true;
      return;
    }
    this.#noteFailure(error);
    const askedMs = error instanceof CodedError ? (error.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(jitteredBackoffDelayMs(this.#failures, retryRange, this.#random), askedMs);
    this.#failures += 1;
    await this.#clock.sleep(delayMs, { signal }).catch(() => {});
  }

  #noteProgress(): void {
    this.#failures = 0;
    this.#isListingAnew = false;
  }

  #noteSuccess(): void {
    if (this.#state.kind === 'failing') {
      const failedForMs = this.#clock.now() - this.#state.sinceMs;
      this.#log.info(`Watching ${this.#resource.plural} again`, { failedForMs });
      this.#target.recovered();
    }
    this.#state = { kind: 'watching' };
  }

  /** Says each error once, not at each try. */
  #noteFailure(error: unknown): void {
    const before = this.#state.kind === 'failing' ? this.#state : undefined;
    const sinceMs = before?.sinceMs ?? this.#clock.now();
    if (before === undefined || messageOf(before.error) !== messageOf(error)) {
      const failingForMs = this.#clock.now() - sinceMs;
      this.#log.warn(`Cannot watch ${this.#resource.plural}; trying again`, { error, failingForMs });
    }
    this.#state = { kind: 'failing', sinceMs, error };
  }
}

/** Without managedFields, which nobody here reads and which are a good part of an object. */
function trim<T extends KubernetesObject>(object: T): T {
  if (object.metadata !== undefined) delete object.metadata.managedFields;
  return object;
}
