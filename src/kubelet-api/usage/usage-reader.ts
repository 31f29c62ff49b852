import type { Provider } from '../../provider/provider.ts';
import type { Usage } from '../../provider/usage.ts';
import { withTimeout } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { PodSource } from '../pod-source.ts';
import { CpuLedger } from './cpu-ledger.ts';

/** Several scrapers come at about the same time; one reading serves them all. */
const keepMs = 1000;
/** A metrics-server waits ten seconds. */
const timeoutMs = 8000;

interface Reading {
  readonly usage: Promise<Usage>;
  readonly begunAtMs: number;
  isDone: boolean;
}

/** What the pods use, read from the provider when somebody asks, by one call at a time. */
export class UsageReader {
  readonly #provider: Provider;
  readonly #pods: PodSource;
  readonly #clock: Clock;
  readonly #ledger: CpuLedger;
  #last: Reading | undefined;

  constructor(options: { readonly provider: Provider; readonly pods: PodSource; readonly clock: Clock }) {
    this.#provider = options.provider;
    this.#pods = options.pods;
    this.#clock = options.clock;
    this.#ledger = new CpuLedger(options.clock.now());
  }

  /** Rejects with `NotImplemented` where the provider knows nothing of usage. */
  read(): Promise<Usage> {
    if (this.#last === undefined || this.#isOld(this.#last)) this.#last = this.#begin();
    return this.#last.usage;
  }

  /** Whoever has seen a pod run finds it here. */
  #isOld({ begunAtMs, isDone }: Reading): boolean {
    return isDone && (this.#clock.now() >= begunAtMs + keepMs || this.#hasOneStartedSince(begunAtMs));
  }

  #hasOneStartedSince(timeMs: number): boolean {
    for (const { metadata } of this.#pods.pods()) {
      const containers = this.#pods.observed(metadata?.uid ?? '')?.containers ?? [];
      if (containers.some(({ state }) => state.kind === 'running' && state.startedAtMs >= timeMs)) return true;
    }
    return false;
  }

  #begin(): Reading {
    const reading: Reading = { usage: this.#ask(), begunAtMs: this.#clock.now(), isDone: false };
    reading.usage.then(
      () => {
        reading.isDone = true;
      },
      // What failed is asked again by the next one.
      () => {
        this.#last = undefined;
      },
    );
    return reading;
  }

  async #ask(): Promise<Usage> {
    const { usage, name } = this.#provider;
    if (usage === undefined) throw new CodedError('NotImplemented', `provider ${name} does not know what its pods use`);
    const readAtMs = this.#clock.now();
    const read = await withTimeout('the provider’s usage', { timeoutMs, clock: this.#clock }, (signal) =>
      usage.call(this.#provider, { signal }),
    );
    return this.#ledger.complete(read, readAtMs);
  }
}
