import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Completes the sentence "Waited 30 s for …". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each try; throws when waiting on is of no use, such as when the server has died. */
  readonly check?: () => void;
}

/** Tries until `attempt` gives something other than undefined or false, or the deadline passes. */
export async function waitFor<T>(
  attempt: () => Promise<T | undefined | false>,
  { what, timeoutMs, intervalMs = 100, signal, check }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    check?.();
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) return result;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain.`, { cause: lastError });
    }
    await delay(intervalMs, undefined, { signal });
  }
}
