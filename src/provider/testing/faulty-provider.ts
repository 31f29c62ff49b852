import { aroundProvider, type ProviderCall, type ProviderOperation } from '../around-provider.ts';
import type { Provider } from '../provider.ts';

export interface ProviderFault {
  readonly operation: ProviderOperation;
  /** Of this pod only. */
  readonly uid?: string;
  readonly error: Error;
  /** How often; default once. */
  readonly times?: number;
  /** Whether the provider does it all the same, as where its answer is lost. Default before: it does not. */
  readonly when?: 'before' | 'after';
}

/** Wraps a provider for tests: its operations fail or wait when told to, and every call is written down. */
export class FaultyProvider {
  readonly provider: Provider;
  readonly calls: ProviderCall[] = [];
  #faults: { readonly fault: ProviderFault; left: number }[] = [];
  readonly #held = new Map<ProviderOperation, PromiseWithResolvers<void>>();

  constructor(target: Provider) {
    this.provider = aroundProvider(target, async (call, proceed) => {
      this.calls.push(call);
      await this.#held.get(call.operation)?.promise;
      const fault = this.#take(call);
      if (fault === undefined) return proceed();
      if (fault.when === 'after') await proceed();
      throw fault.error;
    });
  }

  /** Lets the next matching calls fail. */
  fail(fault: ProviderFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Forgets what was told by `fail`. */
  heal(): void {
    this.#faults = [];
  }

  /** Calls of the operation wait until the answer is called. */
  hold(operation: ProviderOperation): () => void {
    const gate = Promise.withResolvers<void>();
    this.#held.set(operation, gate);
    return () => {
      this.#held.delete(operation);
      gate.resolve();
    };
  }

  /** How often the operation was called, for one pod or all. */
  count(operation: ProviderOperation, uid?: string): number {
    return this.calls.filter((call) => call.operation === operation && (uid === undefined || call.pod?.uid === uid))
      .length;
  }

  #take(call: ProviderCall): ProviderFault | undefined {
    const found = this.#faults.find(
      ({ fault }) => fault.operation === call.operation && (fault.uid === undefined || fault.uid === call.pod?.uid),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#faults = this.#faults.filter((fault) => fault !== found);
    return found.fault;
  }
}
