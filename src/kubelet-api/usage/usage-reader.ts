import type { Provider } from '../../provider/provider.ts';
import type { Usage } from '../../provider/usage.ts';
import { withTimeout } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import { CpuLedger } from './cpu-ledger.ts';

/** Several scrapers come at about the same time; one reading serves them all. */
const keepMs = 1000;
/** A metrics-server waits ten seconds. */
const timeoutMs = 8000;

/** What the pods use, read from the provider when somebody asks, by one call at a time. */
export class UsageReader {
  readonly #provider: Provider;
  readonly #clock: Clock;
  readonly #ledger: CpuLedger;
  #last: { readonly usage: Promise<Usage>; readonly untilMs: number } | undefined;

  constructor(options: { readonly provider: Provider; readonly clock: Clock }) {
    this.#provider = options.provider;
    this.#clock = options.clock;
    this.#ledger = new CpuLedger(options.clock.now());
  }

  /** Rejects with `NotImplemented` where the provider knows nothing of usage. */
  read(): Promise<Usage> {
    const nowMs = this.#clock.now();
    if (this.#last === undefined || nowMs >= this.#last.untilMs) {
      this.#last = { usage: this.#ask(), untilMs: nowMs + keepMs };
      // What failed is asked again by the next one.
      this.#last.usage.catch(() => {
        this.#last = undefined;
      });
    }
    return this.#last.usage;
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
