import type { ObservedPod } from '../../podspec/status/observed.ts';
import { isAbortOf } from '../../support/abort.ts';
import { systemClock } from '../../support/clock.ts';
import type { Provider } from '../provider.ts';

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

  latest(uid: string): ObservedPod | undefined {
    return this.#latest.get(uid);
  }

  /** The first state of the pod, from now on, that `is` true for; an error naming `what` and the last state otherwise. */
  async until(uid: string, what: string, is: (pod: ObservedPod) => boolean): Promise<ObservedPod> {
    const endMs = systemClock.now() + deadlineMs;
    for (;;) {
      const pod = this.#latest.get(uid);
      if (pod !== undefined && is(pod)) return pod;
      if (systemClock.now() > endMs) throw new Error(`not ${what} in time; last seen: ${JSON.stringify(pod)}`);
      await Promise.race([this.#run, shortWhile()]);
    }
  }

  /** Ends the run as SIGTERM does, and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped by the test'));
    await this.#run;
  }
}

/** Not the clock's sleep: its timers keep no process alive, and here nothing else may. */
function shortWhile(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
