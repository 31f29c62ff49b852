import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger } from '../../../support/logger.ts';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import type { EcsApi } from '../ecs/ecs-api.ts';
import { type EcsTask, readTask } from '../ecs/ecs-task.ts';
import { TaskPoller, type WatchedTask } from './task-poller.ts';

function setUp(t: TestContext, { hasEvents = false } = {}) {
  const clock = new FakeClock();
  const watched = new Map<string, WatchedTask>();
  const calls: string[][] = [];
  const missing: string[] = [];
  let failures = 0;
  const describeTasks: EcsApi['describeTasks'] = async (arns) => {
    if (failures-- > 0) throw new Error('down');
    calls.push([...arns]);
    return arns.flatMap((arn) => watched.get(arn)?.task ?? []).filter(({ startedBy }) => startedBy !== 'forgotten');
  };
  const poller = new TaskPoller({
    ecs: { describeTasks } as EcsApi,
    clock,
    log: silentLogger,
    hasEvents,
    tasks: () => watched.values(),
    take: (_, unknown) => missing.push(...unknown),
  });
  const stopping = new AbortController();
  const running = poller.run({ signal: stopping.signal });
  t.after(async () => {
    stopping.abort(new Error('the test ends'));
    await running;
  });
  const put = (arn: string, lastStatus: string, { needsHealth = false, startedBy = 'uid' } = {}): void => {
    const task: EcsTask = readTask({ taskArn: arn, lastStatus, desiredStatus: 'RUNNING', startedBy });
    watched.set(arn, { task, needsHealth });
    poller.wake();
  };
  const watch = (count: number, lastStatus: string, options: Parameters<typeof put>[2] = {}): void => {
    for (let index = 0; index < count; index++) put(`${lastStatus}-${index}`, lastStatus, options);
  };
  const callsWithin = async (ms: number): Promise<number> => {
    const before = calls.length;
    await clock.advance(ms);
    return calls.length - before;
  };
  return {
    clock,
    calls,
    missing,
    put,
    watch,
    callsWithin,
    failNext: (count: number) => {
      failures = count;
    },
  };
}

/** So long the poller waits after it has been woken. */
const wakeMs = 100;

describe('tasks are looked at', () => {
  it('not at all where there are none', async (t) => {
    const { callsWithin } = setUp(t);
    assert.equal(await callsWithin(3_600_000), 0);
  });

  const paces: readonly (readonly [string, number, string, number])[] = [
    ['every second while one starts', 1, 'PENDING', 60],
    ['about every second while ten start', 10, 'PENDING', 56],
    ['seldomer and seldomer, by one call, while a hundred start', 100, 'PENDING', 8],
    ['seldomer and seldomer, by ten calls, while a thousand start', 1000, 'PENDING', 80],
    ['every five seconds while one runs', 1, 'RUNNING', 12],
    ['every ten seconds, by ten calls, while a thousand run', 1000, 'RUNNING', 60],
    ['every half a minute, by a hundred calls, while ten thousand run', 10_000, 'RUNNING', 200],
    ['never again once they have stopped', 10, 'STOPPED', 0],
  ];
  for (const [what, count, status, callsAMinute] of paces) {
    it(what, async (t) => {
      const { watch, callsWithin } = setUp(t);
      watch(count, status);
      assert.equal(await callsWithin(60_000 + wakeMs), callsAMinute);
    });
  }

  for (const seconds of [20, 60, 120, 300]) {
    it(`under twenty times by the time that a hundred run, one after the other within ${seconds} s`, async (t) => {
      const { clock, put, watch, calls } = setUp(t);
      watch(100, 'PENDING');
      for (let index = 0; index < 100; index++) {
        await clock.advance((seconds * 1000) / 100);
        put(`PENDING-${index}`, 'RUNNING');
      }
      assert.ok(calls.length < 20, `${calls.length} calls`);
      assert.ok(calls.length >= 3, `${calls.length} calls`);
    });
  }

  it('soon where one starts alone, though a hundred have long been on their way', async (t) => {
    const { clock, put, watch, calls } = setUp(t);
    watch(100, 'PENDING');
    await clock.advance(120_000);
    calls.length = 0;
    put('alone', 'PENDING');
    await clock.advance(1200);
    assert.ok(calls.flat().includes('alone'));
  });

  it('soon where one starts alone after a hundred have ended', async (t) => {
    const { clock, put, watch, calls } = setUp(t);
    watch(100, 'PENDING');
    await clock.advance(10_000);
    for (let index = 0; index < 100; index++) put(`PENDING-${index}`, 'STOPPED');
    await clock.advance(1000);
    calls.length = 0;
    put('alone', 'PENDING');
    await clock.advance(1200);
    assert.deepEqual(calls, [['alone']]);
  });

  it('at their own pace where they ran before the others began to start', async (t) => {
    const { clock, watch, calls } = setUp(t);
    watch(1, 'RUNNING');
    await clock.advance(1000);
    watch(100, 'PENDING');
    await clock.advance(60_000);
    calls.length = 0;
    await clock.advance(60_000);
    assert.ok(calls.filter((arns) => arns.includes('RUNNING-0')).length >= 11);
  });

  it('in passing, where a call is made for others', async (t) => {
    const { calls, watch, callsWithin } = setUp(t);
    watch(50, 'RUNNING');
    watch(1, 'PENDING');
    await callsWithin(1100);
    assert.equal(calls[0]?.length, 51);
    assert.equal(await callsWithin(60_000), 60);
  });

  it('seldom where events tell of them, but for those whose health no event tells', async (t) => {
    const silent = setUp(t, { hasEvents: true });
    silent.watch(10, 'RUNNING');
    assert.equal(await silent.callsWithin(600_000 + wakeMs), 2);
    const checked = setUp(t, { hasEvents: true });
    checked.watch(10, 'RUNNING', { needsHealth: true });
    assert.equal(await checked.callsWithin(60_000 + wakeMs), 12);
  });

  it('again after ECS did not answer', async (t) => {
    const { watch, callsWithin, failNext } = setUp(t);
    failNext(3);
    watch(1, 'PENDING');
    assert.ok((await callsWithin(30_000)) > 10);
  });

  it('and those that ECS does not know are told of', async (t) => {
    const { missing, watch, callsWithin } = setUp(t);
    watch(1, 'RUNNING', { startedBy: 'forgotten' });
    await callsWithin(6000);
    assert.deepEqual(missing, ['RUNNING-0']);
  });
});
