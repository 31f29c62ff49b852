import assert from 'node:assert/strict';
import { systemClock } from '../../support/clock.ts';
import { type FakeClock, settle } from '../../support/testing/fake-clock.ts';

/** Waits until `condition` holds, on the machine's clock; fails after `deadlineMs`, naming `what`. */
export async function waitFor(what: string, condition: () => boolean, deadlineMs = 5000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await settle();
  }
}

/**
 * Moves time in steps of 250 ms until the condition holds; sockets, which know no fake time, get a moment after each.
 * Fails after 500 s of the fake clock.
 */
export async function advanceUntil(clock: FakeClock, what: string, condition: () => boolean): Promise<void> {
  for (let step = 0; step < 2000 && !condition(); step++) {
    await clock.advance(250);
    await systemClock.sleep(1);
  }
  assert.ok(condition(), `not within 500 s of the fake clock: ${what}`);
}
