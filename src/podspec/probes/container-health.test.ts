import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../../kubernetes/objects.ts';
import {
  activeProbes,
  firstTryDelayMs,
  initialHealth,
  isReady,
  isStarted,
  nextProbe,
  type ProbeResult,
} from './container-health.ts';
import { type ProbeKind, probeSettings } from './probe-settings.ts';

const exec = { exec: { command: ['true'] } };
const results: Readonly<Record<string, ProbeResult>> = { s: 'success', f: 'failure', e: 'error' };

function container(probes: Partial<Container>): Container {
  return { name: 'web', image: 'x', ...probes };
}

/** Feeds one probe a row of results (`s`, `f`, `e`) and gives the outcomes, `.` for nothing. */
function outcomes(probes: Partial<Container>, kind: ProbeKind, row: string): string {
  let health = initialHealth(container(probes), kind === 'startup' ? undefined : { started: true, ready: false });
  const seen: string[] = [];
  for (const letter of row) {
    const next = nextProbe(health, kind, results[letter] ?? 'error');
    health = next.health;
    seen.push(next.outcome.kind === 'nothing' ? '.' : next.outcome.kind);
  }
  return seen.join(' ');
}

const rows: readonly (readonly [string, Partial<Container>, ProbeKind, string, string])[] = [
  ['one success is ready', { readinessProbe: exec }, 'readiness', 'ss', 'ready .'],
  ['three failures are unready', { readinessProbe: exec }, 'readiness', 'sffff', 'ready . . unready .'],
  [
    'a success between failures starts the count again',
    { readinessProbe: exec },
    'readiness',
    'sffsfff',
    'ready . . . . . unready',
  ],
  [
    'readiness recovers',
    { readinessProbe: { ...exec, failureThreshold: 1 } },
    'readiness',
    'sfs',
    'ready unready ready',
  ],
  [
    'successes in a row, where the probe wants them',
    { readinessProbe: { ...exec, successThreshold: 2 } },
    'readiness',
    'sfss',
    '. . . ready',
  ],
  ['errors count for nothing', { readinessProbe: { ...exec, successThreshold: 2 } }, 'readiness', 'ses', '. . ready'],
  ['a live container is nothing new', { livenessProbe: exec }, 'liveness', 'ssff', '. . . .'],
  ['a dead container is ended once', { livenessProbe: exec }, 'liveness', 'fffffff', '. . kill . . . .'],
  ['startup passes once', { startupProbe: exec }, 'startup', 'ffsf', '. . started .'],
  [
    'a container that never starts is ended',
    { startupProbe: { ...exec, failureThreshold: 2 } },
    'startup',
    'ffs',
    '. kill .',
  ],
  ['a probe that is not there finds nothing', {}, 'liveness', 'fff', '. . .'],
];

test('results of a probe add up', async (t) => {
  for (const [name, probes, kind, row, expected] of rows) {
    await t.test(name, () => assert.equal(outcomes(probes, kind, row), expected));
  }
});

const all = container({ startupProbe: exec, livenessProbe: exec, readinessProbe: exec });
const kinds = (health: ReturnType<typeof initialHealth>, deleting = false): string[] =>
  activeProbes(health, { deleting }).map(({ kind }) => kind);

test('nothing else is probed, and nothing is ready, before the startup probe has passed', () => {
  let health = initialHealth(all);
  assert.deepEqual(kinds(health), ['startup']);
  assert.deepEqual([isStarted(health), isReady(health)], [false, false]);

  assert.equal(nextProbe(health, 'readiness', 'success').health, health);

  health = nextProbe(health, 'startup', 'success').health;
  assert.deepEqual(kinds(health), ['liveness', 'readiness']);
  assert.deepEqual([isStarted(health), isReady(health)], [true, false]);

  health = nextProbe(health, 'readiness', 'success').health;
  assert.equal(isReady(health), true);
});

test('a container without probes is ready as soon as it runs', () => {
  const health = initialHealth(container({}));
  assert.deepEqual([isStarted(health), isReady(health), kinds(health)], [true, true, []]);
});

test('a container that is to be ended is not probed for life any more', () => {
  let health = initialHealth(container({ livenessProbe: { ...exec, failureThreshold: 1 }, readinessProbe: exec }));
  health = nextProbe(health, 'liveness', 'failure').health;
  assert.deepEqual(kinds(health), ['readiness']);
});

test('a pod that is being deleted is probed for readiness only', () => {
  assert.deepEqual(kinds(initialHealth(all), true), []);
  assert.deepEqual(kinds(initialHealth(all, { started: true, ready: true }), true), ['readiness']);
});

test('a container taken over keeps what was known of it', () => {
  const health = initialHealth(all, { started: true, ready: true });
  assert.deepEqual([isStarted(health), isReady(health)], [true, true]);
  assert.deepEqual(kinds(health), ['liveness', 'readiness']);
});

test('a probe’s own grace period goes with the end it asks for', () => {
  const probe = { ...exec, failureThreshold: 1, terminationGracePeriodSeconds: 0 };
  const health = initialHealth(container({ livenessProbe: probe }));
  assert.deepEqual(nextProbe(health, 'liveness', 'failure').outcome, {
    kind: 'kill',
    terminationGracePeriodSeconds: 0,
  });
});

test('settings have the API server’s defaults, in milliseconds', () => {
  const { handler, ...numbers } =
    probeSettings({ livenessProbe: { ...exec, initialDelaySeconds: 5 } }, 'liveness') ?? {};
  assert.deepEqual(handler, exec);
  assert.deepEqual(numbers, {
    kind: 'liveness',
    initialDelayMs: 5000,
    periodMs: 10_000,
    timeoutMs: 1000,
    successThreshold: 1,
    failureThreshold: 3,
  });
  assert.equal(probeSettings({}, 'readiness'), undefined);
});

test('the first try waits for the initial delay from the container’s start', () => {
  const settings = probeSettings({ livenessProbe: { ...exec, initialDelaySeconds: 5 } }, 'liveness');
  assert.ok(settings);
  assert.equal(firstTryDelayMs(settings, 1000, 2000), 4000);
  assert.equal(firstTryDelayMs(settings, 1000, 60_000), 0);
});
