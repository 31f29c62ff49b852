import type { Clock } from '../support/clock.ts';
import { CodedError, type ErrorCode } from '../support/errors.ts';
import { aroundProvider, type ProviderOperation } from './around-provider.ts';
import type { Provider } from './provider.ts';

/** Told of each operation when it has ended; never throws and never waits. */
export interface ProviderObserver {
  operationEnded(operation: ProviderOperation, outcome: 'ok' | ErrorCode, durationMs: number): void;
}

/**
 * A provider whose operations are measured. `run` is left out: it lasts as long as we do. An error outside the family
 * counts as `Internal`.
 */
export function instrumentProvider(
  provider: Provider,
  { observer, clock }: { readonly observer: ProviderObserver; readonly clock: Clock },
): Provider {
  return aroundProvider(provider, async ({ operation }, proceed) => {
    if (operation === 'run') return proceed();
    const startedMs = clock.now();
    let outcome: 'ok' | ErrorCode = 'ok';
    try {
      return await proceed();
    } catch (error) {
      outcome = error instanceof CodedError ? error.code : 'Internal';
      throw error;
    } finally {
      observer.operationEnded(operation, outcome, clock.now() - startedMs);
    }
  });
}
