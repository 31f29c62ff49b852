import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { app, EngineHarness, sidecar } from './testing/engine-harness.ts';

describe('Engine: probes and hooks', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  describe('probes', () => {
    const exec = { exec: { command: ['check'] }, periodSeconds: 1 };
    let healthy = true;
    beforeEach(() => {
      healthy = true;
      harness.runtime.onExec = async () => ({ exitCode: healthy ? 0 : 1, stdout: 'not well' });
    });
    const ready = (pod: Pod): boolean | undefined => harness.container(pod, 'a')?.ready;
    const tries = (): number => harness.runtime.calls.filter((call) => call.startsWith('exec')).length;

    it('of readiness say when a container is ready, and when it is no more', async () => {
      healthy = false;
      const pod = await harness.create({
        containers: [app('a', { readinessProbe: { ...exec, failureThreshold: 2 } })],
      });
      await harness.untilRunning(pod);
      assert.equal(ready(pod), false);
      healthy = true;
      await harness.clock.advance(1000);
      await harness.until('it is ready', () => ready(pod) === true);
      healthy = false;
      await harness.clock.advance(1000);
      assert.equal(ready(pod), true, 'once is not enough');
      await harness.clock.advance(1000);
      await harness.until('it is ready no more', () => ready(pod) === false);
      assert.equal(harness.stateOf(pod, 'a'), 'running #0');
      assert.equal(harness.eventsOf('Unhealthy').at(-1), 'Readiness probe failed: not well');
    });

    it('of liveness have a container started anew, with the grace of the probe', async () => {
      const livenessProbe = { ...exec, initialDelaySeconds: 5, failureThreshold: 1, terminationGracePeriodSeconds: 7 };
      const pod = await harness.create({ containers: [app('a', { livenessProbe })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(4999);
      assert.equal(tries(), 0);
      healthy = false;
      await harness.clock.advance(1);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed liveness probe, will be restarted']);
      assert.ok(harness.runtime.calls.some((call) => /^stopContainer \S+ 7$/.test(call)));
    });

    it('of liveness end a container that is never restarted', async () => {
      healthy = false;
      const livenessProbe = { ...exec, failureThreshold: 1 };
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a', { livenessProbe })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(500);
      await harness.untilEnded(pod);
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed liveness probe']);
    });

    it('of startup hold back the others, and what comes after a sidecar', async () => {
      healthy = false;
      const probes = { startupProbe: { ...exec, failureThreshold: 5 }, readinessProbe: exec };
      const pod = await harness.create({
        initContainers: [{ ...sidecar('s'), ...probes }],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's');
      await harness.clock.advance(2000);
      assert.equal(harness.container(pod, 's')?.started, false);
      assert.deepEqual(harness.made(), ['s_0']);
      healthy = true;
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a');
      await harness.until('it is ready', () => harness.container(pod, 's')?.ready === true);
    });

    it('that are not passed in time end a container', async () => {
      healthy = false;
      const pod = await harness.create({ containers: [app('a', { startupProbe: { ...exec, failureThreshold: 2 } })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1500);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed startup probe, will be restarted']);
    });

    it('are not forgotten when we start anew: what was ready stays so', async () => {
      const pod = await harness.create({ containers: [app('a', { readinessProbe: { ...exec, periodSeconds: 60 } })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(500);
      await harness.until('it is ready', () => ready(pod) === true);
      const { containerId = '', image = '', imageId = '' } = harness.container(pod, 'a') ?? {};
      const before = harness.pushed.length;
      await harness.restart();
      const status = {
        name: 'a',
        ready: true,
        started: true,
        restartCount: 0,
        containerID: containerId,
        image,
        imageID: imageId,
      };
      await harness.until('it is found', () => harness.observed(pod) !== undefined);
      await harness.engine.createPod(
        { ...pod, status: { containerStatuses: [status] } },
        { signal: new AbortController().signal },
      );
      await harness.settle();
      assert.equal(ready(pod), true);
      const since = harness.pushed.slice(before).flatMap(({ containers }) => containers);
      assert.deepEqual(
        since.filter((container) => !container.ready),
        [],
      );
    });

    it('end with their containers', async () => {
      const pod = await harness.create({ containers: [app('a', { livenessProbe: exec })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(5000);
      await harness.delete(pod);
      await harness.untilEnded(pod);
      await harness.release(pod);
      const before = tries();
      await harness.clock.advance(60_000);
      assert.equal(tries(), before);
    });
  });

  describe('hooks', () => {
    const exec = (...command: string[]) => ({ exec: { command } });

    it('of postStart hold back what comes after, and a failing one kills its container', async () => {
      const through = Promise.withResolvers<{ exitCode: number }>();
      harness.runtime.onExec = () => through.promise;
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { postStart: exec('warm', 'up') } }), app('b')],
      });
      await harness.until('the hook runs', () => harness.runtime.calls.some((call) => call.endsWith('warm up')));
      await harness.settle();
      assert.deepEqual(harness.made(), ['a_0']);
      assert.equal(harness.stateOf(pod, 'a'), 'waiting ContainerCreating #0', 'it does not count as running yet');
      through.resolve({ exitCode: 1 });
      await harness.untilWaiting(pod, 'a', 'PostStartHookError');
      await harness.untilRunning(pod, 'b');
      assert.deepEqual(harness.eventsOf('FailedPostStartHook'), ['PostStartHook failed']);
    });

    it('of preStop run before the signal, within the grace', async () => {
      harness.play({ a: [{ termMs: 0 }] });
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { preStop: { sleep: { seconds: 4 } } } })],
      });
      await harness.untilRunning(pod);
      await harness.delete(pod, 10);
      await harness.until('it is told', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(3900);
      assert.equal(
        harness.runtime.calls.some((call) => call.startsWith('stopContainer')),
        false,
      );
      await harness.clock.advance(100);
      await harness.untilEnded(pod);
      assert.ok(harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 'a')} 6`));
    });

    it('of preStop that take too long are not waited for', async () => {
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { preStop: { sleep: { seconds: 60 } } } })],
      });
      await harness.untilRunning(pod);
      await harness.delete(pod, 10);
      await harness.until('it is told', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(10_000);
      await harness.untilEnded(pod);
      assert.ok(harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 'a')} 2`), 'with the least there is');
    });
  });
});
