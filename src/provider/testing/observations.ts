import type { ObservedPod } from '../../podspec/status/observed.ts';
import { isAbortOf } from '../../support/abort.ts';
import type { Provider } from '../provider.ts';
import { until } from './until.ts';

/** How long a real backend may take for anything that these tests wait for. */
const deadlineMs = 30_000;

/** A provider that runs, as one process of ours would run it, and everything it pushed. */
export class RunningProvider {
  readonly provider: Provider;
  readonly pushed: ObservedPod[] = [];
  readonly #stopping = new AbortController();
  readonly #run: Promise<void>;
  readonly #latest = new Map<string, ObservedPod>();

  constructor(provider: Provider) {
    this.provider = provider;
    const { signal } = this.#stopping;
    const observe = (pod: ObservedPod): void => {
      this.pushed.push(pod);
      this.#latest.set(pod.ref.uid, pod);
    };
    this.#run = provider.run({ signal, observe }).catch((error: unknown) => {
      if (!isAbortOf(signal, error)) throw error;
    });
  }

  /** As if nothing had been pushed of the pod. */
  forget(uid: string): void {
    this.#latest.delete(uid);
  }

  /** The first state of the pod, from now on, that `is` true for; an error naming `what` and the last state otherwise. */
  async until(uid: string, what: string, is: (pod: ObservedPod) => boolean): Promise<ObservedPod> {
    let seen: ObservedPod | undefined;
    const ask = (): ObservedPod | false | undefined => {
      seen = this.#latest.get(uid);
      return seen !== undefined && is(seen) && seen;
    };
    return Promise.race([
      this.#run.then((): never => {
        throw new Error(`the provider's run ended before the pod was ${what}`);
      }),
      until(`pod ${uid} ${what}`, ask, { timeoutMs: deadlineMs, detail: () => seen }),
    ]) as Promise<ObservedPod>;
  }

  /** Ends the run as SIGTERM does, and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped by the test'));
    await this.#run;
  }
}
