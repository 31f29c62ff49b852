import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Task } from '@aws-sdk/client-ecs';
import type { Pod, PodSpec } from '../../../kubernetes/objects.ts';
import { firstAttempt } from '../attempt.ts';
import { readTask } from '../ecs/ecs-task.ts';
import { planPod } from './plan.ts';
import { createRecord, type PodRecord } from './pod-record.ts';

const nowMs = Date.parse('2026-01-01T01:00:00Z');
const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };

function recordOf(changes: Partial<PodRecord> = {}, spec: Partial<PodSpec> = {}): PodRecord {
  const pod: Pod = {
    metadata: { ...ref },
    spec: { restartPolicy: 'Always', containers: [{ name: 'a', image: 'busybox' }], ...spec },
  };
  return { ...createRecord(ref, firstAttempt, nowMs - 60_000), pod, ...changes };
}

function taskOf(lastStatus: string, changes: Partial<Task> = {}) {
  const isOver = ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'].includes(lastStatus);
  const exitCode = ['DEPROVISIONING', 'STOPPED'].includes(lastStatus) ? { lastStatus: 'STOPPED', exitCode: 1 } : {};
  return readTask({
    taskArn: 'arn:aws:ecs:us-east-1:000000000000:task/default/0123',
    lastStatus,
    desiredStatus: isOver ? 'STOPPED' : 'RUNNING',
    startedAt: new Date(nowMs - 30_000),
    ...(isOver && { stoppingAt: new Date(nowMs), executionStoppedAt: new Date(nowMs) }),
    containers: [{ name: 'a', image: 'busybox', lastStatus: 'RUNNING', runtimeId: 'r', ...exitCode }],
    ...changes,
  });
}

const running = taskOf('RUNNING');
const stray = taskOf('RUNNING', { taskArn: 'arn:aws:ecs:us-east-1:000000000000:task/default/4567' });
const strays = new Map([[stray.arn, stray]]);
const sidecar = { name: 'proxy', image: 'envoy', restartPolicy: 'Always' };
const deadSidecar = taskOf('RUNNING', {
  containers: [
    { name: 'proxy', image: 'envoy', lastStatus: 'STOPPED', runtimeId: 'r', exitCode: 1 },
    { name: 'a', image: 'busybox', lastStatus: 'RUNNING', runtimeId: 'r' },
  ],
});

const plans: readonly (readonly [string, PodRecord, string])[] = [
  ['a new pod is started', recordOf(), 'start 0'],
  [
    'a deleted pod whose task nobody may have seen is not over',
    recordOf({ isDeleted: true, launch: { number: 0, unsureSinceMs: nowMs } }),
    'search',
  ],
  [
    'nor is one that can never be run again',
    recordOf({ failure: { reason: 'r', message: 'm' }, launch: { number: 1, unsureSinceMs: nowMs } }),
    'search',
  ],
  [
    'a pod whose task nobody may have seen is started by the same attempt',
    recordOf({ launch: { number: 0, unsureSinceMs: nowMs } }),
    'start 0',
  ],
  ['a pod whose task runs is let alone', recordOf({ task: running }), 'wait'],
  [
    'a task of another attempt is stopped first',
    recordOf({ task: running, strays }),
    'stop 4567: another attempt runs',
  ],
  [
    'nothing is started while another attempt’s task runs',
    recordOf({ strays: new Map([[stray.arn, { ...stray, desiredStatus: 'STOPPED' }]]) }),
    'wait',
  ],
  [
    'a deleted pod’s task is stopped',
    recordOf({ task: running, isDeleted: true }),
    'stop 0123: pod default/web is deleted',
  ],
  ['a deleted pod’s task is not stopped twice', recordOf({ task: taskOf('DEACTIVATING'), isDeleted: true }), 'wait'],
  ['a deleted pod is over with its containers', recordOf({ task: taskOf('DEPROVISIONING'), isDeleted: true }), 'over'],
  ['a deleted pod is over with its task', recordOf({ task: taskOf('STOPPED'), isDeleted: true }), 'over'],
  ['a deleted pod without a task is over', recordOf({ isDeleted: true }), 'over'],
  [
    'the next attempt waits for the task to be gone, network and all',
    recordOf({ task: taskOf('DEPROVISIONING') }),
    'wait',
  ],
  ['the next attempt follows the first end at once', recordOf({ task: taskOf('STOPPED') }), 'start 1'],
  [
    'the next attempt waits after a second end',
    recordOf({ task: taskOf('STOPPED'), attempt: { number: 1, restarts: 1, initRestarts: 0, failures: 1 } }),
    'wait 10s CrashLoopBackOff',
  ],
  [
    'an attempt that could not be started waits, and says why',
    recordOf({ startFailure: { reason: 'CapacityUnavailable', message: '', retryAtMs: nowMs + 5000, count: 1 } }),
    'wait 5s CapacityUnavailable',
  ],
  [
    'a pod that is never restarted is over with its task',
    recordOf({ task: taskOf('STOPPED') }, { restartPolicy: 'Never' }),
    'over',
  ],
  [
    'what can never be run again is over',
    recordOf({ failure: { reason: 'UnsupportedPodSpec', message: '' } }),
    'over UnsupportedPodSpec',
  ],
  [
    'a pod past its deadline is stopped',
    recordOf({ task: running }, { activeDeadlineSeconds: 50 }),
    'stop 0123: DeadlineExceeded',
  ],
  ['a pod is looked at again at its deadline', recordOf({ task: running }, { activeDeadlineSeconds: 70 }), 'wait 10s'],
  [
    'a pod that was stopped at its deadline is over for that reason',
    recordOf(
      { task: taskOf('STOPPED', { stoppedReason: 'virtual-kubelet: DeadlineExceeded' }) },
      { activeDeadlineSeconds: 50, restartPolicy: 'Never' },
    ),
    'over DeadlineExceeded',
  ],
  [
    'no attempt is begun past the deadline',
    recordOf({ task: taskOf('STOPPED') }, { activeDeadlineSeconds: 50 }),
    'over DeadlineExceeded',
  ],
  [
    'a task with another image makes way',
    recordOf({ task: running }, { containers: [{ name: 'a', image: 'nginx' }] }),
    'stop 0123: restart: Container a definition changed, will be restarted',
  ],
  [
    'a wish to stop is for the task that it was made for',
    recordOf({ task: running, stopWish: { taskArn: stray.arn, why: 'failed' } }),
    'wait',
  ],
  [
    'a dead sidecar takes the task with it',
    recordOf({ task: deadSidecar }, { initContainers: [sidecar] }),
    'stop 0123: restart: Sidecar proxy has ended, will be restarted',
  ],
  [
    'but not that of a job',
    recordOf({ task: deadSidecar }, { initContainers: [sidecar], restartPolicy: 'Never' }),
    'wait',
  ],
  ['a pod that is not in hand yet is let run', recordOf({ pod: undefined, task: running }), 'wait'],
  [
    'a pod that is not in hand yet has ended with its task',
    recordOf({ pod: undefined, task: taskOf('STOPPED') }),
    'over',
  ],
];

describe('the plan for a pod', () => {
  for (const [what, record, expected] of plans) {
    it(what, () => assert.equal(words(record), expected));
  }
});

function words(record: PodRecord): string {
  const plan = planPod(record, nowMs);
  switch (plan.kind) {
    case 'stop':
      return `stop ${plan.task.arn.slice(-4)}: ${plan.reason.replace('virtual-kubelet: ', '')}`;
    case 'start':
      return `start ${plan.attempt.number}`;
    case 'wait': {
      const until = plan.untilMs === undefined ? '' : ` ${(plan.untilMs - nowMs) / 1000}s`;
      return `wait${until}${plan.hold ? ` ${plan.hold.reason}` : ''}`;
    }
    case 'search':
      return 'search';
    case 'over':
      return `over${plan.failure ? ` ${plan.failure.reason}` : ''}`;
  }
}
