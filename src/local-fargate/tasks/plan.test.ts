import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, task, taskContainer } from '../testing/definitions.ts';
import { allStarted, nextToStop, type Plan, planContainers } from './plan.ts';
import type { Task } from './task.ts';

const dependsOn = (condition: string) => ({ dependsOn: [{ containerName: 'db', condition }] });
const check = { command: ['CMD', 'true'] };

const cases: readonly {
  readonly name: string;
  readonly definitions: Parameters<typeof planContainers>[1];
  readonly task: Task;
  readonly nowMs?: number;
  readonly plan: Plan;
}[] = [
  {
    name: 'containers without dependencies start together',
    definitions: [container('app'), container('db')],
    task: task([taskContainer('app'), taskContainer('db')]),
    plan: { kind: 'start', names: ['app', 'db'] },
  },
  {
    name: 'START waits until the other runs',
    definitions: [container('app', dependsOn('START')), container('db')],
    task: task([taskContainer('app'), taskContainer('db')]),
    plan: { kind: 'start', names: ['db'] },
  },
  {
    name: 'START is met by one that has ended already',
    definitions: [container('app', dependsOn('START')), container('db', { essential: false })],
    task: task([taskContainer('app'), taskContainer('db', { lastStatus: 'STOPPED', exitCode: 1 })]),
    plan: { kind: 'start', names: ['app'] },
  },
  {
    name: 'COMPLETE is met by any end',
    definitions: [container('app', dependsOn('COMPLETE')), container('db', { essential: false })],
    task: task([taskContainer('app'), taskContainer('db', { lastStatus: 'STOPPED', exitCode: 1 })]),
    plan: { kind: 'start', names: ['app'] },
  },
  {
    name: 'SUCCESS waits for the end',
    definitions: [container('app', dependsOn('SUCCESS')), container('db', { essential: false })],
    task: task([taskContainer('app'), taskContainer('db', { lastStatus: 'RUNNING', startedAtMs: 0 })]),
    plan: { kind: 'wait' },
  },
  {
    name: 'SUCCESS gives up on another exit code',
    definitions: [container('app', dependsOn('SUCCESS')), container('db', { essential: false })],
    task: task([taskContainer('app'), taskContainer('db', { lastStatus: 'STOPPED', exitCode: 1 })]),
    plan: {
      kind: 'give-up',
      name: 'app',
      exitCode: 143,
      reason:
        'CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [db] for ' +
        'target [app] as dependency did not exit successfully.',
    },
  },
  {
    name: 'HEALTHY waits for the check, and no longer than the startTimeout',
    definitions: [container('app', dependsOn('HEALTHY')), container('db', { healthCheck: check, startTimeout: 10 })],
    task: task([
      taskContainer('app'),
      taskContainer('db', { lastStatus: 'RUNNING', startedAtMs: 1000, health: 'UNKNOWN' }),
    ]),
    nowMs: 5000,
    plan: { kind: 'wait', untilMs: 11_000 },
  },
  {
    name: 'HEALTHY gives up after the startTimeout',
    definitions: [container('app', dependsOn('HEALTHY')), container('db', { healthCheck: check, startTimeout: 10 })],
    task: task([
      taskContainer('app'),
      taskContainer('db', { lastStatus: 'RUNNING', startedAtMs: 1000, health: 'UNHEALTHY' }),
    ]),
    nowMs: 11_000,
    plan: {
      kind: 'give-up',
      name: 'app',
      reason:
        'CannotStartContainerError: dependency graph: container ordering dependency [db] for target [app] has timed out.',
    },
  },
  {
    name: 'HEALTHY is met by a passed check',
    definitions: [container('app', dependsOn('HEALTHY')), container('db', { healthCheck: check })],
    task: task([taskContainer('app'), taskContainer('db', { lastStatus: 'RUNNING', health: 'HEALTHY' })]),
    plan: { kind: 'start', names: ['app'] },
  },
  {
    name: 'the end of an essential container stops the task',
    definitions: [container('app'), container('db')],
    task: task([taskContainer('app', { lastStatus: 'RUNNING' }), taskContainer('db', { lastStatus: 'STOPPED' })]),
    plan: { kind: 'stop', stopCode: 'EssentialContainerExited', reason: 'Essential container in task exited' },
  },
  {
    name: 'an essential container that never started has failed the start',
    definitions: [container('app')],
    task: task([taskContainer('app', { lastStatus: 'STOPPED', neverStarted: true })]),
    plan: { kind: 'stop', stopCode: 'TaskFailedToStart', reason: 'Task failed to start' },
  },
  {
    name: 'the end of any other is nobody’s business',
    definitions: [container('app'), container('db', { essential: false })],
    task: task([taskContainer('app', { lastStatus: 'RUNNING' }), taskContainer('db', { lastStatus: 'STOPPED' })]),
    plan: { kind: 'wait' },
  },
];

for (const { name, definitions, task: given, nowMs = 0, plan } of cases) {
  test(name, () => assert.deepEqual(planContainers(given, definitions, nowMs), plan));
}

test('a task has started when each container has been started once', () => {
  const ended = taskContainer('db', { lastStatus: 'STOPPED' });
  assert.equal(allStarted(task([taskContainer('app', { lastStatus: 'RUNNING' }), ended])), true);
  assert.equal(allStarted(task([taskContainer('app'), ended])), false);
});

test('containers are stopped before those that they depend on', () => {
  const definitions = [
    container('app', { dependsOn: [{ containerName: 'proxy', condition: 'START' }] }),
    container('proxy', { dependsOn: [{ containerName: 'db', condition: 'START' }] }),
    container('db'),
  ];
  const running = (...names: readonly string[]) =>
    task(
      ['app', 'proxy', 'db'].map((name) =>
        taskContainer(name, { lastStatus: names.includes(name) ? 'RUNNING' : 'STOPPED' }),
      ),
    );
  assert.deepEqual(nextToStop(running('app', 'proxy', 'db'), definitions), ['app']);
  assert.deepEqual(nextToStop(running('proxy', 'db'), definitions), ['proxy']);
  assert.deepEqual(nextToStop(running('db'), definitions), ['db']);
  assert.deepEqual(nextToStop(running(), definitions), []);
});
