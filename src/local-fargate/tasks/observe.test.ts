import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInfo } from '../../runtime/runtime.ts';
import { container, task, taskContainer } from '../testing/definitions.ts';
import { labels } from './labels.ts';
import { observeContainers } from './observe.ts';

function info(name: string, state: ContainerInfo['state'], run = 0): ContainerInfo {
  return {
    id: `${name}-${run}`,
    name,
    sandboxId: 'sandbox',
    labels: { [labels.container]: name, [labels.run]: String(run) },
    image: 'busybox',
    imageId: 'id',
    createdAtMs: 1,
    state,
  };
}

const exited = (exitCode: number, ranSeconds = 1): ContainerInfo['state'] => ({
  kind: 'exited',
  startedAtMs: 1000,
  finishedAtMs: 1000 + ranSeconds * 1000,
  exitCode,
  oomKilled: false,
});

test('the latest run of a container counts', () => {
  const { containers, runs } = observeContainers(
    task([taskContainer('app')]),
    [container('app')],
    [info('app', { kind: 'running', startedAtMs: 5, pid: 1 }, 2), info('app', exited(1), 1)],
  );
  assert.equal(containers[0]?.lastStatus, 'RUNNING');
  assert.equal(containers[0]?.restartCount, 2);
  assert.equal(runs.get('app')?.id, 'app-2');
});

test('a container that somebody removed has ended', () => {
  const running = task([taskContainer('app', { lastStatus: 'RUNNING' })]);
  const { containers } = observeContainers(running, [container('app')], []);
  assert.equal(containers[0]?.lastStatus, 'STOPPED');
  assert.match(containers[0]?.reason ?? '', /gone/);
});

test('one that has ended stays as it was seen to end', () => {
  const stopped = task([taskContainer('app', { lastStatus: 'STOPPED', exitCode: 3 })]);
  assert.equal(observeContainers(stopped, [container('app')], []).containers[0]?.exitCode, 3);
});

const policy = { enabled: true, ignoredExitCodes: [0], restartAttemptPeriod: 60 };
for (const { name, state, restartPolicy = policy, restarts, desiredStatus = 'RUNNING' } of [
  { name: 'one that ran for its period is restarted', state: exited(1, 60), restarts: true },
  { name: 'one that ended sooner is not', state: exited(1, 59), restarts: false },
  { name: 'an exit code to be ignored ends it', state: exited(0, 60), restarts: false },
  {
    name: 'a policy that is off restarts nothing',
    state: exited(1, 60),
    restartPolicy: { enabled: false },
    restarts: false,
  },
  {
    name: 'the period is 300 s where nothing is said',
    state: exited(1, 299),
    restartPolicy: { enabled: true },
    restarts: false,
  },
  { name: 'a task that is to stop restarts nothing', state: exited(1, 60), restarts: false, desiredStatus: 'STOPPED' },
] as const) {
  test(`restart policy: ${name}`, () => {
    const before = task([taskContainer('app', { lastStatus: 'RUNNING' })], { desiredStatus });
    const observed = observeContainers(before, [container('app', { restartPolicy })], [info('app', state)]);
    assert.deepEqual(observed.restarts, restarts ? ['app'] : []);
    assert.equal(observed.containers[0]?.lastStatus, restarts ? 'RUNNING' : 'STOPPED');
  });
}
