import { LruMap } from '../apiserver/lru-map.ts';
import { type BackoffRange, backoffDelayMs } from '../queue/backoff.ts';
import type { Clock } from '../support/clock.ts';

const range: BackoffRange = { baseMs: 10_000, capMs: 300_000 };
/** Owners remembered; past that the one unused for longest is forgotten. */
const ownersLimit = 10_000;

interface Owner {
  readonly failures: number;
  readonly nextAtMs: number;
}

/**
 * Keeps pods that can never run from becoming a storm. Whoever owns a Failed pod makes another one: a ReplicaSet at once
 * and for ever. So of the pods of one owner the first may fail at once, the next 10 s later, and so on, doubling up to 5
 * minutes; an owner that was quiet for 10 minutes begins anew.
 */
export class RefusalPacer {
  readonly #clock: Clock;
  readonly #owners = new LruMap<string, Owner>(ownersLimit);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0 where a pod of this owner may fail now, and has its turn by asking; else the milliseconds until it may ask again. */
  takeTurn(ownerUid: string): number {
    const nowMs = this.#clock.now();
    const known = this.#owners.get(ownerUid);
    const owner = known !== undefined && nowMs <= known.nextAtMs + 2 * range.capMs ? known : undefined;
    if (owner !== undefined && nowMs < owner.nextAtMs) return owner.nextAtMs - nowMs;
    const failures = owner?.failures ?? 0;
    this.#owners.set(ownerUid, { failures: failures + 1, nextAtMs: nowMs + backoffDelayMs(failures, range) });
    return 0;
  }
}
