/**
 * The answer of `work`, which runs once for all who ask under the same key while it runs. Each caller's signal ends only
 * its own waiting, so work that others wait for goes on.
 */
export async function shared<T>(
  pending: Map<string, Promise<unknown>>,
  key: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let running = pending.get(key) as Promise<T> | undefined;
  if (running === undefined) {
    running = work().finally(() => pending.delete(key));
    pending.set(key, running);
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([running, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
