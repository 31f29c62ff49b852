import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { makePod } from '../../provider/testing/conformance-pods.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { until } from '../../provider/testing/until.ts';
import { hasCode } from '../../support/errors.ts';
import { FargateBed, type FargateBedOptions } from './testing/fargate-bed.ts';

const { signal } = new AbortController();
const spec = { containers: [{ name: 'a', image: 'busybox' }] };
const uidOf = (pod: Pod): string => podRef(pod).uid;
const noRoom = { capacity: { FARGATE: 0, FARGATE_SPOT: 0 } };
const room = { capacity: { FARGATE: null, FARGATE_SPOT: null } };

async function setUp(t: TestContext, options: FargateBedOptions = {}) {
  const bed = await FargateBed.start(options);
  const running = new RunningProvider(await bed.createProvider());
  t.after(async () => {
    await running.stop();
    await bed.stop();
  });
  const untilRunning = (pod: Pod) =>
    running.until(uidOf(pod), 'running', ({ containers }) => containers[0]?.state.kind === 'running');
  return { bed, running, provider: running.provider, untilRunning };
}

interface Calls {
  readonly [operation: string]: { readonly calls: number; readonly throttled: number };
}

async function callsOf(bed: FargateBed): Promise<Calls> {
  return (await bed.fargate.admin('GET', 'calls')).body as unknown as Calls;
}

describe('a Fargate without room', () => {
  it('refuses a pod for now, and runs it once there is room', async (t) => {
    const { bed, provider, untilRunning } = await setUp(t);
    await bed.fargate.admin('PATCH', 'switches', noRoom);
    const pod = makePod(spec);
    await assert.rejects(provider.createPod(pod, { signal }), (error) => {
      return (
        hasCode(error, 'Capacity') &&
        error.reason === 'CapacityUnavailable' &&
        /Capacity is unavailable/.test(error.message)
      );
    });
    assert.deepEqual(await provider.listPods({ signal }), []);
    await bed.fargate.admin('PATCH', 'switches', room);
    await provider.createPod(pod, { signal });
    await untilRunning(pod);
    assert.equal((await bed.tasksOf(uidOf(pod))).length, 1);
  });

  it('holds back a restart, says so as the reason why the pod waits, and goes on once there is room', async (t) => {
    const { bed, running, provider, untilRunning } = await setUp(t);
    const pod = makePod(spec);
    await provider.createPod(pod, { signal });
    await untilRunning(pod);
    await bed.fargate.admin('PATCH', 'switches', noRoom);
    bed.runtime.exit(bed.runtime.running[0]?.id ?? '', 3);
    const { containers } = await running.until(uidOf(pod), 'held back', (observed) => {
      const state = observed.containers[0]?.state;
      return state?.kind === 'waiting' && state.reason === 'CapacityUnavailable';
    });
    assert.equal(containers[0]?.lastTerminated?.exitCode, 3);
    assert.ok(bed.events.some(({ reason }) => reason === 'ProviderCreateFailed'));
    await bed.fargate.admin('PATCH', 'switches', room);
    assert.equal((await untilRunning(pod)).containers[0]?.restartCount, 1);
  });
});

describe('a Fargate that throttles', () => {
  it('runs a hundred replicas by one definition and few calls, and loses none', async (t) => {
    const { bed, provider, untilRunning } = await setUp(t);
    await bed.fargate.admin('PATCH', 'switches', { throttling: 1, startLatency: 'real' });
    await provider.listPods({ signal });
    await bed.fargate.admin('DELETE', 'calls');
    const pods = Array.from({ length: 100 }, () => makePod(spec));
    await Promise.all(pods.map((pod) => provider.createPod(pod, { signal })));
    await Promise.all(pods.map(untilRunning));
    const calls = await callsOf(bed);
    t.diagnostic(JSON.stringify(Object.fromEntries(Object.entries(calls).filter(([, { calls: count }]) => count > 0))));
    assert.equal(calls['ecs:RegisterTaskDefinition']?.calls, 1);
    assert.ok((calls['ecs:RunTask']?.calls ?? 999) <= 120, 'calls of RunTask');
    assert.ok((calls['ecs:DescribeTasks']?.calls ?? 999) <= 20, 'calls of DescribeTasks');
    assert.equal(calls['ecs:ListTasks']?.calls ?? 0, 0);
  });

  it('is asked again where somebody else has used up what the account may do', async (t) => {
    const { bed, provider, untilRunning } = await setUp(t);
    await bed.fargate.admin('PATCH', 'switches', { throttling: 0.06 });
    const pods = Array.from({ length: 20 }, () => makePod(spec));
    await Promise.all(
      pods.map((pod) =>
        until('the pod to be created', async () => {
          try {
            await provider.createPod(pod, { signal });
            return true;
          } catch (error) {
            if (!hasCode(error, 'Throttled')) throw error;
            return false;
          }
        }),
      ),
    );
    await bed.fargate.admin('PATCH', 'switches', { throttling: 0 });
    for (const pod of pods) {
      await untilRunning(pod);
      assert.equal((await bed.tasksOf(uidOf(pod))).length, 1);
    }
  });

  it('is asked by the hundred about tasks that run, at a steady pace', async (t) => {
    const { bed, provider, untilRunning } = await setUp(t);
    const pods = Array.from({ length: 150 }, () => makePod(spec));
    await Promise.all(pods.map((pod) => provider.createPod(pod, { signal })));
    await Promise.all(pods.map(untilRunning));
    const steadyPaceMs = 5000;
    await bed.clock.sleep(2 * steadyPaceMs);
    await bed.fargate.admin('DELETE', 'calls');
    await bed.clock.sleep(6 * steadyPaceMs);
    const { 'ecs:DescribeTasks': describe } = await callsOf(bed);
    // Two calls a round; the clock is fast, and a round may slip in.
    assert.ok((describe?.calls ?? 999) <= 2 * 8, `${describe?.calls} calls`);
  });
});

describe('Fargate Spot', () => {
  const config = ['[[CapacityProviderStrategy]]', 'CapacityProvider = "FARGATE_SPOT"'];

  it('takes pods by the strategy of the config, and an interruption ends a pod for its controller to replace', async (t) => {
    const { bed, running, provider, untilRunning } = await setUp(t, { config });
    const pod = makePod(spec);
    await provider.createPod(pod, { signal });
    await untilRunning(pod);
    const [task] = await bed.tasksOf(uidOf(pod));
    assert.equal(task?.capacityProviderName, 'FARGATE_SPOT');
    await bed.fargate.admin('POST', 'interrupt', { task: task?.taskArn, warningSeconds: 20 });
    const warned = await running.until(uidOf(pod), 'unready', ({ containers }) => containers[0]?.ready === false);
    assert.equal(warned.containers[0]?.state.kind, 'running', 'it has been warned only');
    const ended = await running.until(uidOf(pod), 'ended', (observed) => observed.ended);
    assert.deepEqual(ended.failure, { reason: 'SpotInterruption', message: 'Your Spot Task was interrupted.' });
    assert.equal((await bed.tasksOf(uidOf(pod))).length, 1);
    assert.ok(bed.events.some(({ reason }) => reason === 'SpotInterruption'));
  });

  it('is not for pods that say otherwise by their annotation', async (t) => {
    const { bed, provider, untilRunning } = await setUp(t, { config });
    const pod = makePod(spec, { annotations: { 'fargate.virtual-kubelet.io/capacity-providers': 'FARGATE' } });
    await provider.createPod(pod, { signal });
    await untilRunning(pod);
    assert.equal((await bed.tasksOf(uidOf(pod)))[0]?.capacityProviderName, 'FARGATE');
  });
});

describe('task state change events', () => {
  it('tell of tasks long before they are looked at', async (t) => {
    const queue = 'task-events';
    const { bed, provider, running, untilRunning } = await setUp(t, {
      fargate: { eventQueue: queue },
      config: [`EventQueueUrl = "http://127.0.0.1/000000000000/${queue}"`],
    });
    const pod = makePod(spec);
    const startMs = bed.clock.now();
    await provider.createPod(pod, { signal });
    await untilRunning(pod);
    bed.runtime.exit(bed.runtime.running[0]?.id ?? '', 3);
    await running.until(uidOf(pod), 'restarted', ({ containers }) => containers[0]?.restartCount === 1);
    assert.ok(bed.clock.now() - startMs < 15_000, `it took ${bed.clock.now() - startMs} ms`);
  });
});
