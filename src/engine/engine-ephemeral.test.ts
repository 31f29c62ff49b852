import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { EphemeralContainer, Pod } from '../kubernetes/objects.ts';
import { app, EngineHarness } from './testing/engine-harness.ts';

const { signal } = new AbortController();

describe('Engine: ephemeral containers', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  const debugged = async (container: Partial<EphemeralContainer> = {}): Promise<Pod> => {
    const pod = await harness.create({ containers: [app('a')] });
    await harness.untilRunning(pod);
    return await withDebug(pod, container);
  };
  const withDebug = async (pod: Pod, container: Partial<EphemeralContainer>): Promise<Pod> => {
    const ephemeralContainers = [{ name: 'debug', image: 'other:1', ...container }];
    const changed = { ...pod, spec: { containers: [], ...pod.spec, ephemeralContainers } };
    await harness.engine.updatePod(changed, { signal });
    return changed;
  };

  it('run when they are added, and leave the others as they are', async () => {
    const pod = await debugged();
    await harness.untilRunning(pod, 'debug');
    assert.deepEqual(harness.made(), ['a_0', 'debug_0']);
    assert.equal(harness.events.at(-1)?.fieldPath, 'spec.ephemeralContainers{debug}');
  });

  it('are not started again, by us or by the process after us', async () => {
    const pod = await debugged();
    await harness.untilRunning(pod, 'debug');
    harness.runtime.exit(harness.idOf(pod, 'debug'), 3);
    await harness.until('debug has ended', () => harness.stateOf(pod, 'debug') === 'terminated 3 Error #0');
    await harness.restart();
    await harness.engine.createPod(pod, { signal });
    await harness.settle();
    assert.equal(harness.stateOf(pod, 'debug'), 'terminated 3 Error #0');
    assert.deepEqual(harness.made(), ['a_0', 'debug_0']);
  });

  it('end with the pod', async () => {
    const pod = await debugged();
    await harness.untilRunning(pod, 'debug');
    await harness.delete(pod);
    await harness.untilEnded(pod);
    assert.equal(harness.runtime.running.length, 0);
  });

  it('wait, with why, for a target that does not run', async () => {
    const pod = await debugged({ targetContainerName: 'gone' });
    const { state } = await harness.untilWaiting(pod, 'debug', 'CreateContainerError');
    assert.match(state.kind === 'waiting' ? (state.message ?? '') : '', /^unable to find target container "gone"/);
    assert.equal(harness.stateOf(pod, 'a'), 'running #0');
  });
});
