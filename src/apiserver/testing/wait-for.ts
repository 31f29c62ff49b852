import assert from 'node:assert/strict';
import { settle } from '../../support/testing/fake-clock.ts';

/** Waits until `condition` holds, on the machine's clock; fails after `deadlineMs`, naming `what`. */
export async function waitFor(what: string, condition: () => boolean, deadlineMs = 5000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await settle();
  }
}
