import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import type { CallOptions } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';
import { isRunning } from './container-info.ts';
import type { Containers } from './containers.ts';

/** How often Podman looks whether a container has ended. A look costs it about a quarter of a millisecond. */
const lookInterval = '100ms';

interface Ending {
  /** Resolves when the container has ended after its stop signal. */
  readonly ended: Promise<void>;
  readonly abandon: AbortController;
  waiting: number;
}

/**
 * Stops containers as a kubelet does: the stop signal to the container's first process, once; SIGKILL to all of them
 * when the shortest grace is over. Not by Podman's own stop, which refuses execs meanwhile, signals every process where
 * PIDs are shared, and signals again each time it is called.
 */
export class Stops {
  readonly #client: LibpodClient;
  readonly #containers: Containers;
  readonly #clock: Clock;
  readonly #endings = new Map<string, Ending>();

  constructor({
    client,
    containers,
    clock,
  }: {
    readonly client: LibpodClient;
    readonly containers: Containers;
    readonly clock: Clock;
  }) {
    this.#client = client;
    this.#containers = containers;
    this.#clock = clock;
  }

  /** `NotFound` where there is no such container. */
  async stop(id: string, graceSeconds: number, options: CallOptions): Promise<void> {
    if (graceSeconds > 0 && (await this.#endsByItself(id, graceSeconds * 1000, options))) return;
    try {
      // Podman answers when the container has ended.
      await this.#client.wait(
        { method: 'POST', path: `/containers/${segment(id)}/stop`, query: { timeout: 0 } },
        options,
      );
    } catch (error) {
      // It never ran.
      if (!hasCode(error, 'Conflict')) throw error;
    }
  }

  /** Whether the container heeds its stop signal within the grace. */
  async #endsByItself(id: string, graceMs: number, options: CallOptions): Promise<boolean> {
    const ending = this.#endings.get(id) ?? this.#begin(id);
    ending.waiting++;
    try {
      return await endsWithin(ending.ended, graceMs, { clock: this.#clock, signal: options.signal });
    } finally {
      ending.waiting--;
      if (ending.waiting === 0) {
        this.#endings.delete(id);
        ending.abandon.abort(new Error('nobody waits for the end any more'));
      }
    }
  }

  #begin(id: string): Ending {
    const abandon = new AbortController();
    const ended = this.#signalAndWait(id, { signal: abandon.signal });
    // It may fail when nobody waits for it any more.
    ended.catch(() => {});
    const ending: Ending = { ended, abandon, waiting: 0 };
    this.#endings.set(id, ending);
    return ending;
  }

  async #signalAndWait(id: string, options: CallOptions): Promise<void> {
    const container = await this.#containers.inspectRaw(id, options);
    if (!isRunning(container)) return;
    const path = `/containers/${segment(id)}`;
    const signal = container.Config.StopSignal;
    try {
      await this.#client.call({ method: 'POST', path: `${path}/kill`, query: { signal } }, options);
      await this.#client.wait(
        { method: 'POST', path: `${path}/wait`, query: { condition: ['exited', 'stopped'], interval: lookInterval } },
        options,
      );
    } catch (error) {
      // Podman has errors of many kinds for a container that ended in the middle of this, or whose end it did not see.
      if (hasCode(error, 'Unavailable') || options.signal.aborted || (await this.#isRunning(id, options))) throw error;
    }
  }

  async #isRunning(id: string, options: CallOptions): Promise<boolean> {
    try {
      return (await this.#containers.inspect(id, options)).state.kind === 'running';
    } catch (error) {
      if (hasCode(error, 'NotFound')) return false;
      throw error;
    }
  }
}

/** False when `graceMs` are over first. Rejects as `ended` does, and with the signal's reason. */
function endsWithin(
  ended: Promise<void>,
  graceMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    const timer = clock.after(graceMs, () => settle(() => resolve(false)));
    const settle = (finish: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    ended.then(
      () => settle(() => resolve(true)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
