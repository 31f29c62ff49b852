import type { Image, RegistryCredentials, Runtime } from '../../runtime/runtime.ts';
import type { Clock } from '../../support/clock.ts';
import { Slots } from '../slots.ts';

export interface PullRequest {
  readonly reference: string;
  /** Tried in this order; none pulls without. */
  readonly credentials: readonly RegistryCredentials[];
  /** Aborts when nobody needs the image any more. */
  readonly signal: AbortSignal;
}

export interface PulledImage {
  readonly image: Image;
  /** How long the registry took, without the wait for others, in milliseconds. */
  readonly pullMs: number;
}

interface SharedPull {
  readonly pulled: Promise<PulledImage>;
  readonly abort: AbortController;
  waiters: number;
}

/**
 * Pulls images: one pull for all who want the same with the same credentials, and a bounded number at the same time.
 * A pull goes on while anybody still wants it.
 */
export class ImagePuller {
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #pulls = new Map<string, SharedPull>();

  constructor(options: { readonly runtime: Runtime; readonly clock: Clock; readonly parallelPulls: number }) {
    this.#runtime = options.runtime;
    this.#clock = options.clock;
    this.#slots = new Slots(options.parallelPulls);
  }

  async pull(request: PullRequest): Promise<PulledImage> {
    request.signal.throwIfAborted();
    const key = JSON.stringify([request.reference, request.credentials]);
    const pull = this.#pulls.get(key) ?? this.#begin(key, request);
    pull.waiters += 1;
    try {
      return await orAborted(pull.pulled, request.signal);
    } finally {
      pull.waiters -= 1;
      if (pull.waiters === 0) pull.abort.abort(new Error('nobody waits for this image any more'));
    }
  }

  #begin(key: string, { reference, credentials }: PullRequest): SharedPull {
    const abort = new AbortController();
    const pulled = this.#slots.use({ signal: abort.signal }, async () => {
      const startedAtMs = this.#clock.now();
      const image = await this.#tryEach(reference, credentials, abort.signal);
      return { image, pullMs: this.#clock.now() - startedAtMs };
    });
    const pull = { pulled, abort, waiters: 0 };
    this.#pulls.set(key, pull);
    // Whoever wants the image after this pull has ended or was given up gets a pull of his own.
    const forget = (): void => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    };
    abort.signal.addEventListener('abort', forget, { once: true });
    pulled.then(forget, forget);
    return pull;
  }

  /** As kubelet does: with each of the pod's credentials, the last failure counting. */
  async #tryEach(reference: string, credentials: readonly RegistryCredentials[], signal: AbortSignal): Promise<Image> {
    const [first, ...others] = credentials;
    if (first === undefined) return await this.#runtime.pullImage(reference, { signal });
    try {
      return await this.#runtime.pullImage(reference, { signal, credentials: first });
    } catch (error) {
      if (others.length === 0 || signal.aborted) throw error;
      return await this.#tryEach(reference, others, signal);
    }
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
