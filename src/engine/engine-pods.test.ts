import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { app, EngineHarness, fakeImage, sidecar } from './testing/engine-harness.ts';

describe('Engine: pods', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  describe('a pod’s life', () => {
    it('starts with a sandbox, then its containers in order, and tells its whole state', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      const observed = harness.observed(pod);
      assert.equal(observed?.sandboxReady, true);
      assert.equal(observed?.ended, false);
      assert.deepEqual(observed?.podIps, ['10.88.0.1']);
      for (const container of observed?.containers ?? []) {
        assert.match(container.containerId ?? '', /^fake:\/\/container-\d+$/);
        assert.deepEqual(
          { ...container, containerId: '', name: '' },
          {
            name: '',
            state: { kind: 'running', startedAtMs: harness.clock.now() },
            restartCount: 0,
            started: true,
            ready: true,
            image: 'docker.io/library/app:1',
            imageId: 'docker.io/library/app:1@sha256:0',
            containerId: '',
          },
        );
      }
      const steps = harness.runtime.calls.filter((call) => /^(runSandbox|createContainer|startContainer)/.test(call));
      assert.deepEqual(
        steps.map((call) => call.split(' ')[0]),
        ['runSandbox', 'createContainer', 'startContainer', 'createContainer', 'startContainer'],
      );
      assert.deepEqual(
        harness.events.slice(0, 3).map(({ type, reason, message, fieldPath }) => [type, reason, message, fieldPath]),
        [
          [
            'Normal',
            'Pulled',
            'Container image "app:1" already present on machine and can be accessed by the pod',
            'spec.containers{a}',
          ],
          ['Normal', 'Created', 'Container created', 'spec.containers{a}'],
          ['Normal', 'Started', 'Container started', 'spec.containers{a}'],
        ],
      );
    });

    it('ends when asked, and leaves nothing once it is released', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.delete(pod);
      await harness.untilEnded(pod);
      assert.deepEqual(
        [harness.stateOf(pod, 'a'), harness.stateOf(pod, 'b')],
        ['terminated 143 Error #0', 'terminated 143 Error #0'],
      );
      assert.deepEqual(harness.eventsOf('Killing').toSorted(), ['Stopping container a', 'Stopping container b']);
      await harness.until('the sandbox is stopped', () => harness.runtime.sandboxes.every(({ ready }) => !ready));
      assert.equal(harness.runtime.containers.length, 2, 'exit codes and logs stay');
      await harness.release(pod);
      assert.deepEqual([harness.runtime.containers, harness.runtime.sandboxes], [[], []]);
      await harness.release(pod);
      await assert.rejects(harness.delete(pod), (error) => hasCode(error, 'NotFound'));
    });

    it('is killed where it is released before it has ended', async () => {
      harness.play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.release(pod);
      assert.deepEqual(harness.runtime.containers, []);
    });

    it('ends while its image is still being pulled, and nothing is started afterwards', async () => {
      const arrived = Promise.withResolvers<void>();
      harness.runtime.beforePull = () => arrived.promise;
      harness.runtime.registry.set('docker.io/library/slow:1', fakeImage('slow'));
      const pod = await harness.create({ containers: [{ name: 'a', image: 'slow:1' }] });
      await harness.until('the pull goes on', () => harness.runtime.calls.some((call) => call.startsWith('pullImage')));
      await harness.delete(pod);
      await harness.untilEnded(pod);
      arrived.resolve();
      await harness.settle();
      assert.deepEqual(harness.made(), []);
    });

    it('ends earlier when asked again with a shorter grace', async () => {
      harness.play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.delete(pod, 600);
      await harness.until('it is signalled', () => harness.runtime.calls.includes('stopContainer container-2 600'));
      await harness.delete(pod, 5);
      await harness.until('it is signalled again', () => harness.runtime.calls.includes('stopContainer container-2 5'));
      await harness.delete(pod, 600);
      await harness.clock.advance(5000);
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'terminated 137 Error #0');
      assert.equal(harness.eventsOf('Killing').length, 1);
    });

    it('is killed at once by a grace of 0', async () => {
      harness.play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.delete(pod, 0);
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'terminated 137 Error #0');
    });

    it('is over when its activeDeadlineSeconds are', async () => {
      const pod = await harness.create({ activeDeadlineSeconds: 60, containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(59_000);
      assert.equal(harness.observed(pod)?.failure, undefined);
      await harness.clock.advance(1000);
      const ended = await harness.untilEnded(pod);
      assert.deepEqual(ended.failure, {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      });
      assert.deepEqual(harness.eventsOf('DeadlineExceeded'), [ended.failure?.message]);
    });

    it('has not exceeded a deadline that came after its end', async () => {
      harness.play({ a: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ restartPolicy: 'Never', activeDeadlineSeconds: 60, containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      await harness.restart();
      await harness.clock.advance(120_000);
      await harness.engine.createPod(pod, { signal: new AbortController().signal });
      await harness.settle();
      assert.equal(harness.observed(pod)?.failure, undefined);
    });

    it('is over, with its sandbox stopped, when none of its containers is to be started again', async () => {
      harness.play({ a: [{ exitAfterMs: 1000, exitCode: 0 }], b: [{ exitAfterMs: 2000, exitCode: 3 }] });
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await harness.until('a has ended', () => harness.stateOf(pod, 'a') === 'terminated 0 Completed #0');
      assert.equal(harness.observed(pod)?.ended, false);
      await harness.clock.advance(1000);
      const ended = await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'b'), 'terminated 3 Error #0');
      assert.equal(ended.sandboxReady, false);
      await harness.until('the sandbox is stopped', () => harness.runtime.sandboxes.every(({ ready }) => !ready));
    });
  });

  describe('init containers', () => {
    it('run to their end one after the other, before the others', async () => {
      harness.play({ i: [{ exitAfterMs: 1000 }], j: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ initContainers: [app('i'), app('j')], containers: [app('a')] });
      await harness.untilRunning(pod, 'i');
      assert.deepEqual(harness.made(), ['i_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'j');
      assert.deepEqual(harness.made(), ['i_0', 'j_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a');
      assert.deepEqual(harness.made(), ['i_0', 'j_0', 'a_0']);
      assert.equal(harness.stateOf(pod, 'i'), 'terminated 0 Completed #0');
    });

    it('are tried again where they fail, and end the pod where they may not be', async () => {
      harness.play({ i: [{ exitAfterMs: 1000, exitCode: 1 }, {}] });
      const patient = await harness.create({
        restartPolicy: 'OnFailure',
        initContainers: [app('i')],
        containers: [app('a')],
      });
      const strict = await harness.create({
        restartPolicy: 'Never',
        initContainers: [app('i')],
        containers: [app('a')],
      });
      await harness.untilRunning(patient, 'i');
      await harness.untilRunning(strict, 'i');
      await harness.clock.advance(1000);
      await harness.until('it runs again', () => harness.stateOf(patient, 'i') === 'running #1');
      await harness.untilEnded(strict);
      assert.equal(harness.stateOf(strict, 'i'), 'terminated 1 Error #0');
      assert.equal(harness.stateOf(strict, 'a'), 'waiting PodInitializing #0');
    });
  });

  describe('sidecars', () => {
    it('start in order beside init containers and run on beside the others', async () => {
      harness.play({ j: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({
        initContainers: [sidecar('s'), app('j'), sidecar('t')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'j');
      assert.deepEqual(harness.made(), ['s_0', 'j_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 's', 't', 'a');
      assert.deepEqual(harness.made(), ['s_0', 'j_0', 't_0', 'a_0']);
    });

    it('are started again where they end, whatever the pod’s restartPolicy', async () => {
      const pod = await harness.create({
        restartPolicy: 'Never',
        initContainers: [sidecar('s')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'a');
      harness.runtime.exit(harness.runtimeIds(pod, 's')[0] ?? '', 0);
      await harness.until('it runs again', () => harness.stateOf(pod, 's') === 'running #1');
      assert.equal(harness.stateOf(pod, 'a'), 'running #0');
    });

    it('end after the other containers, the last one first', async () => {
      harness.play({ a: [{ termMs: 2000 }], s: [{ termMs: 1000 }], t: [{ termMs: 1000 }] });
      const pod = await harness.create({ initContainers: [sidecar('s'), sidecar('t')], containers: [app('a')] });
      await harness.untilRunning(pod, 's', 't', 'a');
      await harness.delete(pod);
      const stopped = (name: string): boolean => harness.eventsOf('Killing').includes(`Stopping container ${name}`);
      await harness.until('a is stopped', () => stopped('a'));
      await harness.settle();
      assert.deepEqual([stopped('s'), stopped('t')], [false, false]);
      await harness.clock.advance(2000);
      await harness.until('t is stopped', () => stopped('t'));
      await harness.settle();
      assert.equal(stopped('s'), false);
      await harness.clock.advance(1000);
      await harness.until('s is stopped', () => stopped('s'));
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      assert.ok(
        harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 's')} 27`),
        'with what is left of the grace',
      );
    });

    it('are not waited for beyond the grace', async () => {
      harness.play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ initContainers: [sidecar('s')], containers: [app('a')] });
      await harness.untilRunning(pod, 's', 'a');
      await harness.delete(pod, 10);
      await harness.until('a is stopped', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(10_000);
      await harness.untilEnded(pod);
    });

    it('end with a pod whose work is done', async () => {
      harness.play({ a: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({
        restartPolicy: 'OnFailure',
        initContainers: [sidecar('s')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'a');
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 's'), 'terminated 143 Error #0');
    });
  });
});
