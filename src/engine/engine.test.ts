import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { podRef } from '../kubernetes/objects.ts';
import { EngineHarness } from './testing/engine-harness.ts';

const app = (name: string) => ({ name, image: 'app:1' });

describe('Engine', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  it('runs a pod: sandbox, then its containers in order, and tells its whole state', async () => {
    const pod = await harness.create({ containers: [app('a'), app('b')] });
    await harness.untilRunning(pod);
    const observed = harness.observed(pod);
    assert.equal(observed?.sandboxReady, true);
    assert.equal(observed?.ended, false);
    assert.deepEqual(observed?.podIps, ['10.88.0.1']);
    assert.deepEqual(
      observed?.containers.map(({ name, started, ready, restartCount, image, imageId, containerId }) => ({
        name,
        started,
        ready,
        restartCount,
        image,
        imageId,
        hasId: containerId?.startsWith('fake://'),
      })),
      ['a', 'b'].map((name) => ({
        name,
        started: true,
        ready: true,
        restartCount: 0,
        hasId: true,
        image: 'docker.io/library/app:1',
        imageId: 'docker.io/library/app:1@sha256:0',
      })),
    );
    const made = harness.runtime.calls.filter((call) => /^(runSandbox|createContainer|startContainer)/.test(call));
    assert.deepEqual(
      made.map((call) => call.split(' ')[0]),
      ['runSandbox', 'createContainer', 'startContainer', 'createContainer', 'startContainer'],
    );
    assert.deepEqual(harness.events.map(({ reason, message, fieldPath }) => [reason, message, fieldPath]).slice(0, 3), [
      [
        'Pulled',
        'Container image "app:1" already present on machine and can be accessed by the pod',
        'spec.containers{a}',
      ],
      ['Created', 'Container created', 'spec.containers{a}'],
      ['Started', 'Container started', 'spec.containers{a}'],
    ]);
  });

  it('ends a pod when asked and leaves nothing once it is released', async () => {
    const pod = await harness.create({ containers: [app('a'), app('b')] });
    await harness.untilRunning(pod);
    await harness.delete(pod);
    const ended = await harness.untilEnded(pod);
    assert.deepEqual(
      ended.containers.map(({ state }) => state.kind === 'terminated' && [state.exitCode, state.reason]),
      [
        [143, 'Error'],
        [143, 'Error'],
      ],
    );
    assert.deepEqual(harness.eventsOf('Killing').toSorted(), ['Stopping container a', 'Stopping container b']);
    await harness.until('the sandbox is stopped', () => harness.runtime.sandboxes.every(({ ready }) => !ready));
    assert.equal(harness.runtime.containers.length, 2, 'exit codes and logs stay');
    await harness.release(pod);
    assert.deepEqual([harness.runtime.containers, harness.runtime.sandboxes], [[], []]);
    await harness.release(pod);
    await assert.rejects(harness.delete(pod), /nothing is known of pod/);
  });
  void podRef;
});
