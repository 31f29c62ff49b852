/** A running timer. */
export interface Timer {
  /** Ends the timer; harmless where it has fired already. */
  cancel(): void;
}

/** The only way to time in this project, so that tests hold it in their hands. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs` (≥ 0) milliseconds. A waiting timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs` milliseconds; rejects with the signal's reason where it aborts first. */
  sleep(delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** setTimeout fires at once for delays past 2^31-1 ms. */
const longestDelayMs = 2 ** 31 - 1;

export abstract class BaseClock implements Clock {
  abstract now(): number;
  abstract after(delayMs: number, callback: () => void): Timer;

  sleep(delayMs: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

class SystemClock extends BaseClock {
  now(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), longestDelayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}

/** The machine's own clock. */
export const systemClock: Clock = new SystemClock();

/** RFC 3339 with whole seconds, as metav1.Time is written. */
export function toRfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, as metav1.MicroTime is written (Leases, Events). */
export function toRfc3339Micro(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}
