import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import { firstAttempt } from '../attempt.ts';
import { readTask } from '../ecs/ecs-task.ts';
import { createRecord, type PodRecord } from '../pods/pod-record.ts';
import { TaskHealth } from './task-health.ts';

const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };
const command = { exec: { command: ['check'] }, periodSeconds: 10, failureThreshold: 3 };
const httpGet = { httpGet: { port: 80 }, periodSeconds: 2, failureThreshold: 100 };
const livenessFailed = 'Container a failed liveness probe, will be restarted';
const startupFailed = 'Container a failed startup probe, will be restarted';

/** A container of a running task; its probes over the network find what `isServing` says. */
class Case {
  readonly clock = new FakeClock();
  readonly health: TaskHealth;
  readonly record: PodRecord;
  isServing = false;

  constructor(probes: Partial<Container>) {
    const pod: Pod = { metadata: { ...ref }, spec: { containers: [{ name: 'a', image: 'busybox', ...probes }] } };
    this.record = { ...createRecord(ref, firstAttempt, this.clock.now()), pod };
    const verdict = () => ({ started: this.isServing, ready: this.isServing });
    this.health = new TaskHealth({ prober: { attend: () => {}, verdict, forget: () => {} }, clock: this.clock });
  }

  /** Why the task is to be stopped, after a look at it. */
  look(healthStatus: 'HEALTHY' | 'UNHEALTHY'): string | undefined {
    const networkInterfaces = [{ privateIpv4Address: '10.0.0.7' }];
    this.record.task = readTask({
      taskArn: 'arn:aws:ecs:us-east-1:000000000000:task/default/0123',
      lastStatus: 'RUNNING',
      startedAt: new Date('2026-01-01T00:00:00Z'),
      containers: [{ name: 'a', lastStatus: 'RUNNING', runtimeId: 'r', healthStatus, networkInterfaces }],
    });
    this.health.attend(this.record);
    return this.health.failure(this.record);
  }
}

describe('the health check of ECS', () => {
  it('speaks at once against a container without a startup probe', () => {
    const probed = new Case({ livenessProbe: command });
    probed.isServing = true;
    assert.equal(probed.look('UNHEALTHY'), livenessFailed);
  });

  it('is the startup probe until that has succeeded, then the liveness probe', () => {
    const probed = new Case({ startupProbe: command, livenessProbe: command });
    probed.isServing = true;
    assert.equal(probed.look('UNHEALTHY'), startupFailed);
    probed.look('HEALTHY');
    assert.equal(probed.look('UNHEALTHY'), livenessFailed);
  });

  it('has the time for all its tries once a probe of ours has found that the container is up', async () => {
    const probed = new Case({ startupProbe: httpGet, livenessProbe: command });
    assert.equal(probed.look('UNHEALTHY'), undefined);
    await probed.clock.advance(60_000);
    probed.isServing = true;
    assert.equal(probed.look('UNHEALTHY'), undefined);
    assert.equal(probed.health.failsAtMs(probed.record), probed.clock.now() + 30_000);
    await probed.clock.advance(30_000);
    assert.equal(probed.look('UNHEALTHY'), livenessFailed);
    assert.equal(probed.health.failsAtMs(probed.record), undefined);
  });

  it('speaks at once against a container that was healthy since its start', async () => {
    const probed = new Case({ startupProbe: httpGet, livenessProbe: command });
    probed.look('HEALTHY');
    probed.isServing = true;
    assert.equal(probed.look('UNHEALTHY'), undefined);
    await probed.clock.advance(5000);
    assert.equal(probed.look('HEALTHY'), undefined);
    assert.equal(probed.look('UNHEALTHY'), livenessFailed);
  });
});
