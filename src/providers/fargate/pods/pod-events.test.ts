import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../kubernetes/objects.ts';
import { firstAttempt } from '../attempt.ts';
import { type EcsTask, readTask } from '../ecs/ecs-task.ts';
import { tellDeadSidecar } from './pod-events.ts';
import { createRecord, type PodRecord } from './pod-record.ts';

const ref = { namespace: 'default', name: 'job', uid: 'uid-1' };
const pod: Pod = {
  metadata: { ...ref },
  spec: {
    restartPolicy: 'Never',
    initContainers: [{ name: 'proxy', image: 'envoy', restartPolicy: 'Always' }],
    containers: [{ name: 'a', image: 'busybox' }],
  },
};

function taskOf(id: string, sidecar: string, desiredStatus = 'RUNNING'): EcsTask {
  const containers = [
    { name: 'proxy', lastStatus: sidecar },
    { name: 'a', lastStatus: 'RUNNING' },
  ];
  return readTask({
    taskArn: `arn:aws:ecs:us-east-1:0:task/default/${id}`,
    lastStatus: 'RUNNING',
    desiredStatus,
    containers,
  });
}

/** Events that come of looks at the pod with these tasks. */
function eventsOf(...tasks: readonly EcsTask[]): string[] {
  const record: PodRecord = { ...createRecord(ref, firstAttempt, 0), pod };
  const messages: string[] = [];
  for (const task of tasks) {
    record.task = task;
    tellDeadSidecar(record, ({ message }) => messages.push(message));
  }
  return messages;
}

describe('the event of a dead sidecar', () => {
  it('names it, once a task', () => {
    const events = eventsOf(taskOf('1', 'STOPPED'), taskOf('1', 'STOPPED'), taskOf('2', 'STOPPED'));
    assert.equal(events.length, 2);
    assert.match(events[0] ?? '', /^Sidecar proxy has ended and the pod runs on without it/);
  });
  it('is not told while it runs', () => assert.deepEqual(eventsOf(taskOf('1', 'RUNNING')), []));
  it('is not told of a task that is to stop', () => assert.deepEqual(eventsOf(taskOf('1', 'STOPPED', 'STOPPED')), []));
});
