import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import type { Random } from '../support/random.ts';
import type { WatchEvent } from './client.ts';
import { ConnectionSilent, connectionError, type HttpAnswer } from './http.ts';
import { LineSplitter } from './json-lines.ts';
import { errorOfStatus } from './status-error.ts';

/**
 * How a watch that has gone silent is noticed. A connection over which a proxy has stopped passing bytes looks just
 * like a quiet cluster: TCP keep-alives are answered by the proxy, bookmarks come once a minute at best, and a probe
 * would take another connection and prove nothing about this one. So every watch is short: we ask the API server to
 * end it after 30 to 40 seconds, which costs one request on the kept connection, and one that has not ended a few
 * seconds after its time is frozen. The API server sends a bookmark two seconds before that end, so that the next
 * watch resumes from the newest version and no quiet watch grows too old. A freeze is noticed within 45 seconds,
 * 30 on average.
 */
const minWatchSeconds = 30;
const watchSpreadSeconds = 10;
const lateEndMs = 5000;

/** For the first byte of the answer; the API server's own queue holds a request for at most 15 s. */
const openTimeoutMs = 15_000;

/** An object is at most 1.5 MiB in etcd; what is beyond this is no event. */
const maxEventBytes = 16 * 1024 * 1024;

/** Seconds for `timeoutSeconds`: by chance, so that many watches do not open at the same time. */
export function watchSeconds(random: Random): number {
  return minWatchSeconds + Math.round(random() * watchSpreadSeconds);
}

export interface WatchConnection {
  /** Names the watch in messages. */
  readonly what: string;
  readonly server: string;
  readonly clock: Clock;
  /** What `timeoutSeconds` asked for. */
  readonly seconds: number;
  /** Ends the watch without an error: its credentials are no longer the present ones. */
  readonly replaced: AbortSignal;
  readonly signal: AbortSignal;
  /** Opens the connection; rejects with what the API server says against it. */
  readonly open: (signal: AbortSignal) => Promise<HttpAnswer>;
  /** Called when the API server has answered. */
  readonly onOpen: () => void;
}

/** The events of one connection, from its opening to its end; see `ApiClient.watch`. */
export async function* watchEvents<T extends KubernetesObject>(
  connection: WatchConnection,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { what, clock, signal, replaced } = connection;
  const silence = new SilenceTimer(what, clock);
  const ended = AbortSignal.any([signal, replaced, silence.signal]);
  try {
    silence.expectWithin(openTimeoutMs);
    const answer = await connection.open(ended);
    connection.onOpen();
    silence.expectWithin(connection.seconds * 1000 + lateEndMs);
    const splitter = new LineSplitter(maxEventBytes);
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      silence.isExpecting = false;
      for (const line of splitter.push(chunk)) {
        if (ended.aborted) throw ended.reason;
        if (line !== '') yield decodeEvent<T>(line);
      }
      silence.isExpecting = true;
    }
    if (splitter.isInLine) throw new CodedError('Unavailable', `${what} ended in the middle of an event`);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (replaced.aborted) return;
    throw silence.signal.aborted ? silence.signal.reason : connectionError(error, connection.server);
  } finally {
    silence.stop();
  }
}

/** Aborts its signal when bytes that must come do not; time in which nobody reads does not count. */
class SilenceTimer {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #silent = new AbortController();
  #stopTimer: () => void = () => {};
  /** Whether somebody waits for bytes. */
  isExpecting = true;

  constructor(what: string, clock: Clock) {
    this.#what = what;
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#silent.signal;
  }

  expectWithin(timeoutMs: number): void {
    this.stop();
    const timer = this.#clock.after(timeoutMs, () => {
      if (this.isExpecting) {
        const message = `${this.#what} has gone silent: the API server, or a proxy before it, no longer passes bytes`;
        this.#silent.abort(new ConnectionSilent('Unavailable', message));
      } else this.expectWithin(lateEndMs);
    });
    this.#stopTimer = () => timer.cancel();
  }

  stop(): void {
    this.#stopTimer();
  }
}

function decodeEvent<T extends KubernetesObject>(line: string): WatchEvent<T> {
  let event: { readonly type?: string; readonly object?: KubernetesObject };
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new CodedError('Unavailable', `the API server sends what is no event: ${line.slice(0, 200)}`, { cause });
  }
  const { type, object } = event;
  if (object === undefined) throw new CodedError('Unavailable', `the API server sends an event without an object`);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata?.resourceVersion ?? '' };
    case 'ERROR':
      throw errorOfStatus(object as Parameters<typeof errorOfStatus>[0]);
    default:
      throw new CodedError('Internal', `the API server sends an event of unknown type ${type}`);
  }
}
