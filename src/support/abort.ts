import type { Clock } from './clock.ts';
import { CodedError } from './errors.ts';

/** Whether `error` is the end that `signal` asked for, and so no failure. */
export function isAbortOf(signal: AbortSignal | undefined, error: unknown): boolean {
  return (
    signal?.aborted === true && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  );
}

/**
 * Runs `work` with a signal that also aborts after `timeoutMs` milliseconds; then the promise rejects with a
 * `Timeout` error whose message names `what`.
 */
export async function withTimeout<T>(
  what: string,
  options: { readonly timeoutMs: number; readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const timer = options.clock.after(options.timeoutMs, () =>
    timeout.abort(new CodedError('Timeout', `${what} gave no answer within ${options.timeoutMs} ms`)),
  );
  try {
    return await work(options.signal ? AbortSignal.any([options.signal, timeout.signal]) : timeout.signal);
  } catch (error) {
    if (timeout.signal.aborted && !options.signal?.aborted) throw timeout.signal.reason;
    throw error;
  } finally {
    timer.cancel();
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
