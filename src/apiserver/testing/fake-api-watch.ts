import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../support/clock.ts';
import type { Ice } from './fake-api-faults.ts';
import type { FakeApiStore, StoredObject, StoreEvent } from './fake-api-store.ts';

export interface WatchRequest {
  readonly collection: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly matches: (object: object) => boolean;
  /** '' and '0' begin with everything there is. */
  readonly resourceVersion: string;
  readonly allowBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

export interface WatchContext {
  readonly store: FakeApiStore;
  readonly clock: Clock;
  readonly ice: Ice;
  readonly bookmarkIntervalMs: number;
}

/** One open watch: what changed goes out as lines of JSON, in order, as long as the connection is not frozen. */
export class FakeWatch {
  readonly #request: WatchRequest;
  readonly #response: ServerResponse;
  readonly #context: WatchContext;
  readonly #stopListening: () => void;
  readonly #timers: Timer[] = [];
  #line: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isBehind = false;

  constructor(request: WatchRequest, response: ServerResponse, context: WatchContext) {
    this.#request = request;
    this.#response = response;
    this.#context = context;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.#stopListening = context.store.listen((event) => this.#pass(event));
    response.on('close', () => this.#close());
    if (!this.#begin()) return;
    if (request.allowBookmarks) this.#scheduleBookmark();
    if (request.timeoutSeconds !== undefined) this.#scheduleEnd(request.timeoutSeconds * 1000);
  }

  /** Ends it as the API server does at its timeout. */
  end(): void {
    if (this.#isClosed) return;
    this.#close();
    void this.#line.then(() => this.#response.end());
  }

  sendBookmark(): void {
    const { apiVersion, kind, allowBookmarks } = this.#request;
    if (!allowBookmarks) return;
    const metadata = { resourceVersion: String(this.#context.store.version), creationTimestamp: null };
    this.#send('BOOKMARK', { kind, apiVersion, metadata });
  }

  /** Sends an error as the API server does on a running watch, and ends. */
  sendError(code: number, reason: string, message: string): void {
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
    this.#send('ERROR', status);
    this.end();
  }

  #begin(): boolean {
    const { collection, resourceVersion, matches } = this.#request;
    const { store } = this.#context;
    if (resourceVersion === '' || resourceVersion === '0') {
      for (const object of store.list(collection)) if (matches(object)) this.#sendObject('ADDED', object);
      return true;
    }
    const missed = store.since(collection, Number(resourceVersion));
    if (missed === undefined) {
      this.sendError(410, 'Expired', `too old resource version: ${resourceVersion} (${store.version})`);
      return false;
    }
    // the real one waits in silence for a version that it does not have yet
    this.#isBehind = Number(resourceVersion) > store.version;
    for (const event of missed) this.#pass(event);
    return true;
  }

  /** A change as this watch's selector sees it: what begins to match is added, what ceases to is deleted. */
  #pass(event: StoreEvent): void {
    const { collection, matches } = this.#request;
    if (event.collection !== collection) return;
    const did = event.previous !== undefined && matches(event.previous);
    const does = event.type !== 'DELETED' && matches(event.object);
    if (does) this.#sendObject(did ? 'MODIFIED' : 'ADDED', event.object);
    else if (did) this.#sendObject('DELETED', event.object);
  }

  #sendObject(type: string, object: StoredObject): void {
    const { kind, apiVersion } = this.#request;
    this.#send(type, { kind, apiVersion, ...object });
  }

  #send(type: string, object: object): void {
    if (this.#isClosed || this.#isBehind) return;
    const { ice } = this.#context;
    const { socket } = this.#response;
    const line = `${JSON.stringify({ type, object })}\n`;
    this.#line = this.#line
      .then(() => (socket === null ? undefined : ice.passable(socket)))
      .then(() => void this.#response.write(line));
  }

  /** With a bookmark two seconds before it. */
  #scheduleEnd(timeoutMs: number): void {
    const { clock } = this.#context;
    this.#timers.push(
      clock.after(Math.max(timeoutMs - 2000, 0), () => this.sendBookmark()),
      clock.after(timeoutMs, () => this.end()),
    );
  }

  #scheduleBookmark(): void {
    const timer = this.#context.clock.after(this.#context.bookmarkIntervalMs, () => {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      this.sendBookmark();
      this.#scheduleBookmark();
    });
    this.#timers.push(timer);
  }

  #close(): void {
    this.#isClosed = true;
    this.#stopListening();
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }
}
