import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstAttempt } from '../attempt.ts';
import { type EcsTask, readTask } from '../ecs/ecs-task.ts';
import { eventNews } from './event-news.ts';
import { createRecord, type PodRecord } from './pod-record.ts';

function taskOf(version: number, changes: { readonly healthy?: boolean; readonly runtimeId?: string } = {}): EcsTask {
  const { healthy = false, runtimeId = 'r' } = changes;
  return readTask({
    taskArn: 'arn:aws:ecs:us-east-1:000000000000:task/default/0123',
    lastStatus: 'RUNNING',
    version,
    containers: [{ name: 'a', lastStatus: 'RUNNING', runtimeId, ...(healthy && { healthStatus: 'HEALTHY' }) }],
  });
}

const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };
const known = taskOf(5, { healthy: true });
const record: PodRecord = { ...createRecord(ref, firstAttempt, 0), task: known };
const stray: PodRecord = { ...createRecord(ref, firstAttempt, 0), strays: new Map([[known.arn, known]]) };
const healthOf = (task: EcsTask | undefined): string | undefined => task?.containers[0]?.health;

describe('an event of a task', () => {
  it('that comes once more says nothing new', () => assert.equal(eventNews(taskOf(5), record), undefined));
  it('that comes too late says nothing new', () => assert.equal(eventNews(taskOf(4), record), undefined));
  it('that comes too late for a task of another attempt says nothing new', () => {
    assert.equal(eventNews(taskOf(4), stray), undefined);
  });
  it('leaves a container as healthy as it is known to be', () => {
    const news = eventNews(taskOf(6), record);
    assert.equal(news?.version, 6);
    assert.equal(healthOf(news), 'HEALTHY');
  });
  it('knows no health of a container that ECS has brought up anew', () => {
    assert.equal(healthOf(eventNews(taskOf(6, { runtimeId: 'other' }), record)), 'UNKNOWN');
  });
  it('is all that there is of a task that is not known', () => {
    assert.equal(healthOf(eventNews(taskOf(1), undefined)), 'UNKNOWN');
  });
});
