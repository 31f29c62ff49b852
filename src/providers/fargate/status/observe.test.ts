import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Task } from '@aws-sdk/client-ecs';
import type { Pod } from '../../../kubernetes/objects.ts';
import { goldenTests } from '../../../podspec/testing/golden.ts';
import { type Attempt, firstAttempt } from '../attempt.ts';
import { type EcsTask, haveContainersEnded, readTask } from '../ecs/ecs-task.ts';
import { restartReason } from '../stop-reasons.ts';
import { containerEnds, observePod } from './observe.ts';
import { afterEnd } from './outcome.ts';

interface GoldenInput {
  readonly pod: Pod;
  /** As DescribeTasks has it, times as texts. */
  readonly task: Task;
  /** The task of the attempt before. */
  readonly lastTask?: Task;
  readonly attempt?: Attempt;
  readonly hold?: { readonly reason: string; readonly message: string };
  /** Whether the pod's spec is not known yet, after a restart of ours. */
  readonly isUnknown?: boolean;
}

const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };

goldenTests(join(import.meta.dirname, 'testdata'), (input: GoldenInput) => {
  const { pod, attempt = firstAttempt, hold, lastTask, isUnknown } = input;
  const task = readTask(input.task);
  const next = task.status === 'STOPPED' ? afterEnd(pod, attempt, task) : undefined;
  const observed = observePod({
    ref,
    pod: isUnknown ? undefined : pod,
    attempt,
    task,
    lastEnds: lastTask ? containerEnds(readTask(lastTask), pod) : new Map(),
    hold,
    failure: next?.kind === 'over' ? next.failure : undefined,
    ended: isUnknown ? haveContainersEnded(task) : next?.kind === 'over',
    healthOf: () => ({ started: true, ready: true }),
  });
  return { observed, ...(next && { next }) };
});

const startedAtMs = Date.parse('2026-01-01T00:01:00Z');

function endedTask(changes: Partial<EcsTask> = {}, exitCode = 1): EcsTask {
  return {
    ...readTask({
      taskArn: 'arn:aws:ecs:us-east-1:123456789012:task/default/0123',
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      containers: [{ name: 'web', lastStatus: 'STOPPED', runtimeId: 'r', exitCode }],
    }),
    startedAtMs,
    executionStoppedAtMs: startedAtMs + 1000,
    stoppedAtMs: startedAtMs + 13_000,
    ...changes,
  };
}

function podOf(restartPolicy: string): Pod {
  return { metadata: { ...ref }, spec: { restartPolicy, containers: [{ name: 'web', image: 'nginx' }] } };
}

test('attempts wait as kubelet lets containers wait: not at first, then 10 s, doubling to 300 s', () => {
  const waits: number[] = [];
  let attempt = firstAttempt;
  for (let count = 0; count < 8; count++) {
    const next = afterEnd(podOf('Always'), attempt, endedTask());
    assert.ok(next.kind === 'again');
    waits.push(next.waitMs / 1000);
    assert.equal(next.atMs, startedAtMs + 1000 + next.waitMs);
    attempt = next.attempt;
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.deepEqual(attempt, { number: 8, restarts: 8, initRestarts: 0, failures: 8 });
});

test('a task that ran for over ten minutes is no crash loop', () => {
  const attempt = { number: 9, restarts: 9, initRestarts: 0, failures: 9 };
  const next = afterEnd(podOf('Always'), attempt, endedTask({ executionStoppedAtMs: startedAtMs + 700_000 }));
  assert.ok(next.kind === 'again');
  assert.equal(next.waitMs, 0);
  assert.deepEqual(next.attempt, { number: 10, restarts: 10, initRestarts: 0, failures: 1 });
});

const policies: readonly (readonly [string, number, 'over' | 'again'])[] = [
  ['Always', 0, 'again'],
  ['Always', 1, 'again'],
  ['OnFailure', 0, 'over'],
  ['OnFailure', 1, 'again'],
  ['Never', 0, 'over'],
  ['Never', 1, 'over'],
];
for (const [policy, exitCode, kind] of policies) {
  test(`after exit code ${exitCode}, restartPolicy ${policy} means ${kind}`, () => {
    assert.equal(afterEnd(podOf(policy), firstAttempt, endedTask({}, exitCode)).kind, kind);
  });
}

test('a task that we stopped for a restart is followed by the next attempt, but where nothing is ever restarted', () => {
  const stopped = endedTask({ stopCode: 'UserInitiated', stoppedReason: restartReason('failed liveness probe') }, 0);
  assert.equal(afterEnd(podOf('OnFailure'), firstAttempt, stopped).kind, 'again');
  assert.equal(afterEnd(podOf('Never'), firstAttempt, stopped).kind, 'over');
});

for (const [policy, exitCode] of policies.filter(([policy]) => policy !== 'Never')) {
  test(`a task that Fargate retires is followed by the next attempt after exit code ${exitCode}, restartPolicy ${policy}`, () => {
    assert.equal(
      afterEnd(podOf(policy), firstAttempt, endedTask({ stopCode: 'TerminationNotice' }, exitCode)).kind,
      'again',
    );
  });
}

test('a task that Fargate retires has failed where nothing is ever restarted, however its container takes it', () => {
  const stoppedReason = 'ECS is performing maintenance on the underlying infrastructure hosting the task.';
  for (const exitCode of [0, 143]) {
    const next = afterEnd(
      podOf('Never'),
      firstAttempt,
      endedTask({ stopCode: 'TerminationNotice', stoppedReason }, exitCode),
    );
    assert.deepEqual(next, { kind: 'over', failure: { reason: 'TerminationNotice', message: stoppedReason } });
  }
});

test('what could not be started is tried again whatever the policy, after 10 s, and counts no restart', () => {
  const stoppedReason = 'CannotPullContainerError: not found';
  const task = endedTask({
    stopCode: 'TaskFailedToStart',
    stoppedReason,
    startedAtMs: undefined,
    containers: readTask({ containers: [{ name: 'web', lastStatus: 'STOPPED' }] }).containers,
  });
  const next = afterEnd(podOf('Never'), firstAttempt, task);
  assert.ok(next.kind === 'again');
  assert.equal(next.waitMs, 10_000);
  assert.deepEqual(next.attempt, { number: 1, restarts: 0, initRestarts: 0, failures: 1 });
});
