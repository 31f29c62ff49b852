import type { Provider } from '../provider/provider.ts';
import { withTimeout } from '../support/abort.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError, messageOf } from '../support/errors.ts';

export type PingResult =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly reason: string | undefined; readonly message: string };

export interface PingDependencies {
  readonly provider: Pick<Provider, 'ping'>;
  readonly clock: Clock;
  /** Told of a result that differs from the one before. */
  readonly onChange: (result: PingResult) => void;
}

const intervalMs = 10_000;
const timeoutMs = 10_000;

/** Asks the provider every 10 s whether it can run pods. No answer within 10 s is one too: it cannot. */
export class ProviderPing {
  readonly #provider: Pick<Provider, 'ping'>;
  readonly #clock: Clock;
  readonly #onChange: (result: PingResult) => void;
  #result: PingResult = { kind: 'waiting' };

  constructor({ provider, clock, onChange }: PingDependencies) {
    this.#provider = provider;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** The last answer. */
  get result(): PingResult {
    return this.#result;
  }

  /** Pings until the signal aborts, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        this.#note(await this.#ping(signal));
        await this.#clock.sleep(intervalMs, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #ping(signal: AbortSignal): Promise<PingResult> {
    const { clock, provider } = { clock: this.#clock, provider: this.#provider };
    try {
      await withTimeout('the provider', { timeoutMs, clock, signal }, (ended) =>
        // A provider that does not heed the signal must not hold us up either.
        Promise.race([provider.ping({ signal: ended }), rejected(ended)]),
      );
      return { kind: 'ok' };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const reason = error instanceof CodedError ? error.reason : undefined;
      return { kind: 'failed', reason, message: messageOf(error) };
    }
  }

  #note(result: PingResult): void {
    const before = this.#result;
    this.#result = result;
    const isSame =
      before.kind === result.kind &&
      (before.kind !== 'failed' || result.kind !== 'failed' || before.message === result.message);
    if (!isSame) this.#onChange(result);
  }
}

/** Rejects with the signal's reason when it aborts. */
function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
