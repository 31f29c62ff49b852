import { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type BackoffRange, jitteredBackoffDelayMs } from '../queue/backoff.ts';
import { withTimeout } from '../support/abort.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { CodedError, messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { type ExecCredential, runExecPlugin } from './exec-plugin.ts';
import { type Endpoint, type Kubeconfig, type KubeconfigSource, loadKubeconfig } from './kubeconfig.ts';

/** What a request needs, as of one moment. */
export interface Access {
  /** The same object as long as nothing in it has changed: connections made for it can be kept. */
  readonly endpoint: Endpoint;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts when another access has taken the place of this one; a running watch then opens anew. */
  readonly replaced: AbortSignal;
}

export interface CredentialsDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** client-go reads token files again each minute. */
const rereadFilesMs = 60_000;
/** Longest time before the expiry at which new credentials are fetched; a fifth of their life where that is less. */
const maxMarginMs = 120_000;
const minLoadIntervalMs = 1000;
const execTimeoutMs = 30_000;
const retryRange: BackoffRange = { baseMs: 1000, capMs: 60_000 };

interface Held {
  readonly access: Access;
  readonly replace: AbortController;
  readonly expiresAtMs: number | undefined;
}

/**
 * The credentials of a kubeconfig, kept fresh: files are read again each minute, plugins and certificates renewed
 * before they expire, everything loaded again after a 401. Loads are shared between callers and come at most once a
 * second. Until `close`, one timer waits for the next renewal.
 */
export class Credentials {
  readonly #source: KubeconfigSource;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #held: Held | undefined;
  #loading: Promise<Held> | undefined;
  #lastLoad: { readonly startedAtMs: number; readonly error: unknown } | undefined;
  #failures = 0;
  #warnedOf: string | undefined;
  #timer: Timer | undefined;

  constructor(source: KubeconfigSource, { clock, random, log }: CredentialsDependencies) {
    this.#source = source;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  /**
   * The access to use now. Rejects with `InvalidInput` for a kubeconfig that is wrong, `Unauthorized` where a plugin
   * gives nothing.
   */
  async current(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Access> {
    const held = this.#held;
    if (held !== undefined && !this.#isExpired(held)) return held.access;
    return (await abortable(this.#load(), options.signal)).access;
  }

  /** The access to use after the API server has answered `rejected` with 401: loaded again unless that was done. */
  async renew(rejected: Access, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Access> {
    const held = this.#held;
    if (held !== undefined && (held.access !== rejected || this.#hasJustLoaded())) return held.access;
    return (await abortable(this.#load(), options.signal)).access;
  }

  /** Ends the timer and a plugin that is running. */
  close(): void {
    this.#closed.abort(new CodedError('Unavailable', 'the credentials are closed'));
    this.#timer?.cancel();
  }

  #isExpired({ expiresAtMs }: Held): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#clock.now();
  }

  #hasJustLoaded(): boolean {
    return this.#lastLoad !== undefined && this.#clock.now() - this.#lastLoad.startedAtMs < minLoadIntervalMs;
  }

  #load(): Promise<Held> {
    if (this.#loading !== undefined) return this.#loading;
    if (this.#lastLoad?.error !== undefined && this.#hasJustLoaded()) return Promise.reject(this.#lastLoad.error);
    const startedAtMs = this.#clock.now();
    const settle = (error: unknown): void => {
      this.#loading = undefined;
      this.#lastLoad = { startedAtMs, error };
    };
    this.#loading = this.#loadOnce().then(
      (held) => {
        settle(undefined);
        return held;
      },
      (error: unknown) => {
        settle(error);
        this.#noteFailure(error);
        throw error;
      },
    );
    return this.#loading;
  }

  async #loadOnce(): Promise<Held> {
    const kubeconfig = await loadKubeconfig(this.#source);
    const { exec, endpoint } = kubeconfig;
    const credential =
      exec === undefined || kubeconfig.token !== undefined
        ? undefined
        : await withTimeout(
            `the credential plugin ${exec.command}`,
            { timeoutMs: execTimeoutMs, clock: this.#clock, signal: this.#closed.signal },
            (signal) => runExecPlugin(exec, endpoint, { signal }),
          );
    return this.#hold(kubeconfig, credential);
  }

  #hold(kubeconfig: Kubeconfig, exec: ExecCredential | undefined): Held {
    const nowMs = this.#clock.now();
    const clientCertificate = exec?.clientCertificate ?? kubeconfig.endpoint.clientCertificate;
    const token = kubeconfig.token ?? exec?.token;
    const endsMs = [exec?.expiresAtMs, clientCertificate && certificateEndMs(clientCertificate.cert, kubeconfig.origin)]
      .filter((endMs) => endMs !== undefined)
      .sort((a, b) => a - b);
    // an end that has passed already is a wrong clock, here or there: the API server decides
    const expiresAtMs = endsMs.find((endMs) => endMs > nowMs);
    const refreshDelaysMs = [
      ...(kubeconfig.namesFiles || endsMs[0] !== expiresAtMs ? [rereadFilesMs] : []),
      ...(expiresAtMs === undefined ? [] : [renewalDelayMs(expiresAtMs - nowMs)]),
    ];
    const headers = {
      ...kubeconfig.impersonation,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const held = this.#replace({ ...kubeconfig.endpoint, clientCertificate }, headers, expiresAtMs);
    if (refreshDelaysMs.length > 0) this.#scheduleLoad(Math.min(...refreshDelaysMs));
    this.#failures = 0;
    this.#warnedOf = undefined;
    return held;
  }

  /** Keeps the present access where nothing in it has changed, and its endpoint where only headers have. */
  #replace(endpoint: Endpoint, headers: Access['headers'], expiresAtMs: number | undefined): Held {
    const present = this.#held;
    const isSameEndpoint = present !== undefined && isDeepStrictEqual(present.access.endpoint, endpoint);
    if (isSameEndpoint && isDeepStrictEqual(present.access.headers, headers)) {
      this.#held = { ...present, expiresAtMs };
      return this.#held;
    }
    const replace = new AbortController();
    const access = {
      endpoint: isSameEndpoint ? present.access.endpoint : endpoint,
      headers,
      replaced: replace.signal,
    };
    this.#held = { access, replace, expiresAtMs };
    present?.replace.abort(new CodedError('Unauthorized', 'the credentials were renewed'));
    return this.#held;
  }

  #scheduleLoad(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#closed.signal.aborted) return;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#load().catch(() => {});
    });
  }

  #noteFailure(error: unknown): void {
    const delayMs = jitteredBackoffDelayMs(this.#failures, retryRange, this.#random);
    this.#failures += 1;
    if (this.#held === undefined || this.#closed.signal.aborted) return;
    const message = messageOf(error);
    if (message !== this.#warnedOf) {
      this.#warnedOf = message;
      this.#log.warn('Cannot renew the credentials; the present ones are used until they expire', { error });
    }
    this.#scheduleLoad(delayMs);
  }
}

function renewalDelayMs(lifeMs: number): number {
  return Math.max(lifeMs - Math.min(lifeMs / 5, maxMarginMs), minLoadIntervalMs);
}

function certificateEndMs(pem: string, origin: string): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch (cause) {
    throw new CodedError('InvalidInput', `${origin}: the client certificate is no PEM certificate`, { cause });
  }
}

/** `shared`, or the signal's reason where that comes first; `shared` itself goes on for others. */
function abortable<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
