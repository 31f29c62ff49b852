import type { Clock } from './support/clock.ts';

/** What a signal to end asks for: the gentle end, nothing new, or to leave at once. */
export type SignalMeaning = 'stop' | 'same' | 'leave';

/**
 * One wish to end may come as several signals: a terminal or `timeout` signals a whole process group, and whoever started us
 * (npx, timeout) sends on its own.
 */
const sameWishMs = 1000;

/** Tells of each signal in turn what it means: whoever is in earnest about leaving at once repeats it after a second. */
export function readSignals(clock: Pick<Clock, 'now'>): () => SignalMeaning {
  let firstMs: number | undefined;
  return () => {
    const nowMs = clock.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      return 'stop';
    }
    return Math.abs(nowMs - firstMs) < sameWishMs ? 'same' : 'leave';
  };
}
