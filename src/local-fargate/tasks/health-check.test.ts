import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { healthCommand, nextHealth, watchHealth } from './health-check.ts';
import type { HealthStatus } from './task.ts';

const unknown = { status: 'UNKNOWN', failures: 0 } as const;
const failure = { success: false, inStartPeriod: false };

test('one success makes healthy, so many failures in a row unhealthy', () => {
  const healthy = nextHealth({ status: 'UNHEALTHY', failures: 5 }, { ...failure, success: true }, 3);
  assert.deepEqual(healthy, { status: 'HEALTHY', failures: 0 });
  const once = nextHealth(healthy, failure, 2);
  assert.deepEqual(once, { status: 'HEALTHY', failures: 1 });
  assert.deepEqual(nextHealth(once, failure, 2), { status: 'UNHEALTHY', failures: 2 });
});

test('failures in the start period do not count until a check has passed', () => {
  assert.deepEqual(nextHealth(unknown, { success: false, inStartPeriod: true }, 1), unknown);
  const healthy = { status: 'HEALTHY', failures: 0 } as const;
  assert.equal(nextHealth(healthy, { success: false, inStartPeriod: true }, 1).status, 'UNHEALTHY');
});

test('CMD-SHELL goes through a shell, CMD does not', () => {
  assert.deepEqual(healthCommand(['CMD-SHELL', 'a | b']), ['/bin/sh', '-c', 'a | b']);
  assert.deepEqual(healthCommand(['CMD', 'a', 'b']), ['a', 'b']);
});

test('a check that hangs has failed after its timeout', async () => {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(clock);
  runtime.exec = (_id, _request, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const told: HealthStatus[] = [];
  const ended = new AbortController();
  const watching = watchHealth(
    { command: ['CMD', 'x'], interval: 5, timeout: 2, retries: 2 },
    { id: 'container', startedAtMs: clock.now() },
    { runtime, clock, signal: ended.signal, tell: (status) => told.push(status) },
  );
  await clock.advance(13_999);
  assert.deepEqual(told, []);
  await clock.advance(1);
  assert.deepEqual(told, ['UNHEALTHY']);
  ended.abort(new Error('enough'));
  await watching;
});
