import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CodedError, hasCode } from '../support/errors.ts';
import { app, EngineHarness } from './testing/engine-harness.ts';

describe('Engine: the runtime', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  describe('the runtime', () => {
    it('that refuses a sandbox is told, and tried again', async () => {
      harness.runtime.failNext('runSandbox', new CodedError('Internal', 'no addresses left'));
      const pod = await harness.create({ containers: [app('a')] });
      await harness.until('it is told', () => harness.eventsOf('FailedCreatePodSandBox').length === 1);
      assert.deepEqual(harness.eventsOf('FailedCreatePodSandBox'), ['Failed to create pod sandbox: no addresses left']);
      await harness.settle();
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
    });

    it('that refuses a container is told, and tried again', async () => {
      harness.runtime.failNext('createContainer', new CodedError('Internal', 'no room'));
      const pod = await harness.create({ containers: [app('a')] });
      const { state } = await harness.untilWaiting(pod, 'a', 'CreateContainerError');
      assert.equal(state.kind === 'waiting' && state.message, 'no room');
      await harness.settle();
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'running #0');
    });

    it('whose sandbox dies gets a new one, and all containers start anew in it', async () => {
      harness.play({ i: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ initContainers: [app('i')], containers: [app('a'), app('b')] });
      await harness.untilRunning(pod, 'i');
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a', 'b');
      const before = harness.observed(pod)?.podIps[0];
      harness.runtime.breakSandbox(harness.runtime.sandboxes[0]?.id ?? '');
      await harness.until('i runs again', () => harness.stateOf(pod, 'i') === 'running #1');
      await harness.clock.advance(1000);
      await harness.until(
        'both run again',
        () => harness.stateOf(pod, 'a') === 'running #1' && harness.stateOf(pod, 'b') === 'running #1',
      );
      assert.notEqual(harness.observed(pod)?.podIps[0], before);
      assert.deepEqual(harness.eventsOf('SandboxChanged'), ['Pod sandbox changed, it will be killed and re-created.']);
      assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, 143);
    });

    it('that was started anew with its machine runs everything again', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.reboot();
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
    });

    it('does not start again what may not be, when a sandbox dies', async () => {
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.breakSandbox(harness.runtime.sandboxes[0]?.id ?? '');
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'terminated 143 Error #0');
      assert.deepEqual(harness.made(), ['a_0']);
    });

    it('that goes away and comes back finds its containers as they are', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      harness.runtime.goDown();
      await harness.settle();
      const pushed = harness.pushed.length;
      await harness.clock.advance(120_000);
      assert.equal(harness.pushed.length, pushed, 'nothing is declared dead');
      harness.runtime.exit(harness.idOf(pod, 'a'), 3);
      harness.runtime.comeBack();
      await harness.clock.advance(10_000);
      await harness.until('a runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      assert.equal(harness.stateOf(pod, 'b'), 'running #0');
      assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, 3);
    });

    it('whose events are lost is listed', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.breakEvents();
      harness.runtime.exit(harness.idOf(pod, 'a'), 3);
      await harness.settle();
      await harness.clock.advance(250);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
    });

    it('is not asked about pods of which nothing is heard', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.settle();
      harness.runtime.calls.length = 0;
      for (let minute = 0; minute < 10; minute++) {
        await harness.clock.advance(60_000);
        await harness.settle();
      }
      // Where logs and layers are, the runtime knows by heart.
      const calls = harness.runtime.calls.filter((call) => !/^(logPath|writableLayer) /.test(call));
      assert.deepEqual(new Set(calls), new Set(['listSandboxes', 'listContainers']));
      assert.equal(calls.length, 20);
    });
  });

  it('looks at the logs of running containers again and again, and not at those of ended ones', async () => {
    const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a'), app('b')] });
    await harness.untilRunning(pod);
    harness.runtime.exit(harness.idOf(pod, 'a'), 0);
    await harness.until('it has ended', () => harness.stateOf(pod, 'a') !== 'running #0');
    harness.runtime.calls.length = 0;
    const looks = (): string[] => harness.runtime.calls.filter((call) => call.startsWith('logPath '));
    while (looks().length < 3) await harness.clock.advance(10_000);
    assert.deepEqual(new Set(looks()), new Set([`logPath ${harness.idOf(pod, 'b')}`]));
  });

  it('leaves what belongs to other nodes and clusters alone', async () => {
    const { signal } = new AbortController();
    const labels = {
      'virtual-kubelet.io/node': 'node-a',
      'virtual-kubelet.io/cluster': 'another cluster',
      'io.kubernetes.pod.uid': 'x',
      'io.kubernetes.pod.name': 'x',
      'io.kubernetes.pod.namespace': 'x',
    };
    const network = { hostname: 'x', hostNetwork: false, sharePids: false, sysctls: {}, hostPorts: [] };
    await harness.runtime.runSandbox({ name: 'x', labels, ...network }, { signal });
    assert.deepEqual(await harness.engine.listPods({ signal }), []);
    await assert.rejects(
      harness.engine.deletePod({ namespace: 'x', name: 'x', uid: 'x' }, { gracePeriodSeconds: 1, signal }),
      (error) => hasCode(error, 'NotFound'),
    );
    await harness.engine.releasePod({ namespace: 'x', name: 'x', uid: 'x' }, { signal });
    assert.equal(harness.runtime.sandboxes.length, 1);
  });
});
