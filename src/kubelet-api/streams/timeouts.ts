import type { Clock } from '../../support/clock.ts';

/** How long streaming clients may take. */
export interface StreamTimeouts {
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** From the upgrade to the last stream that belongs to it. */
  readonly creationMs: number;
  readonly clock: Clock;
}

/** How long we go on reading after our goodbye, so that a client gets it; then the connection is cut. */
export const lingerMs = 5000;
