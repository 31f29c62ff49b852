import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { role, runTaskOf } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

interface Event {
  readonly message: string;
  readonly timestamp: number;
  readonly eventId?: string;
}

const messages = (events: unknown): readonly string[] => (events as Event[]).map(({ message }) => message);

test('events are read forward and backward in pages, until the token stays the same', async (t) => {
  const clock = new FakeClock();
  const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const stream = { logGroupName: '/g', logStreamName: 's' };
  await fargate.ok('logs', 'CreateLogGroup', { logGroupName: '/g' });
  await fargate.ok('logs', 'CreateLogStream', stream);
  const timestamp = clock.now();
  await fargate.ok('logs', 'PutLogEvents', {
    ...stream,
    logEvents: ['a', 'b', 'c', 'd', 'e'].map((message, index) => ({ message, timestamp: timestamp + index })),
  });
  const get = (more: object) => fargate.ok('logs', 'GetLogEvents', { ...stream, limit: 2, ...more });

  const last = await get({});
  assert.deepEqual(messages(last['events']), ['d', 'e']);
  const before = await get({ nextToken: last['nextBackwardToken'] });
  assert.deepEqual(messages(before['events']), ['b', 'c']);

  const first = await get({ startFromHead: true });
  assert.deepEqual(messages(first['events']), ['a', 'b']);
  const second = await get({ nextToken: first['nextForwardToken'] });
  assert.deepEqual(messages(second['events']), ['c', 'd']);
  const third = await get({ nextToken: second['nextForwardToken'] });
  const end = await get({ nextToken: third['nextForwardToken'] });
  assert.deepEqual(messages(end['events']), []);
  assert.equal(end['nextForwardToken'], third['nextForwardToken']);
  assert.deepEqual(messages((await get({ startTime: timestamp + 1, endTime: timestamp + 3 }))['events']), ['b', 'c']);
});

test('the events of a group are filtered over all streams, in pages', async (t) => {
  const clock = new FakeClock();
  const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  await fargate.ok('logs', 'CreateLogGroup', { logGroupName: '/g' });
  for (const [index, logStreamName] of ['a/1', 'b/1'].entries()) {
    await fargate.ok('logs', 'CreateLogStream', { logGroupName: '/g', logStreamName });
    const logEvents = [0, 10].map((later) => ({
      message: `${logStreamName} ${later === 0 ? 'starts' : 'ends'}`,
      timestamp: clock.now() + later + index,
    }));
    await fargate.ok('logs', 'PutLogEvents', { logGroupName: '/g', logStreamName, logEvents });
  }
  const filter = (more: object) => fargate.ok('logs', 'FilterLogEvents', { logGroupName: '/g', ...more });
  assert.deepEqual(messages((await filter({}))['events']), ['a/1 starts', 'b/1 starts', 'a/1 ends', 'b/1 ends']);
  assert.deepEqual(messages((await filter({ logStreamNamePrefix: 'b' }))['events']), ['b/1 starts', 'b/1 ends']);
  const page = await filter({ filterPattern: 'ends', limit: 1 });
  assert.deepEqual(messages(page['events']), ['a/1 ends']);
  const next = await filter({ filterPattern: 'ends', limit: 1, nextToken: page['nextToken'] });
  assert.deepEqual(messages(next['events']), ['b/1 ends']);
  assert.equal('nextToken' in next, false);
  assert.match(
    await fargate.refusal('logs', 'FilterLogEvents', { logGroupName: '/none' }),
    /^ResourceNotFoundException: The specified log group does not exist/,
  );
});

/**
 * Reads a group in the way of `aws logs tail --follow` (AWS CLI 2): pages by their token, then again from the time of the
 * newest event on, where known events are told by their ids.
 */
class Tail {
  readonly #fargate: TestFargate;
  readonly #input: Record<string, unknown>;
  #known = new Map<number, Set<string>>();

  constructor(fargate: TestFargate, input: Readonly<Record<string, unknown>>) {
    this.#fargate = fargate;
    this.#input = { interleaved: true, ...input };
  }

  /** What is new up to the last page, and how many pages there were. */
  async read(): Promise<{ readonly lines: readonly string[]; readonly pages: number }> {
    const lines: string[] = [];
    for (let pages = 1; ; pages++) {
      const answer = await this.#fargate.ok('logs', 'FilterLogEvents', this.#input);
      for (const { message, timestamp, eventId = '' } of answer['events'] as Event[]) {
        const ids = this.#known.get(timestamp) ?? new Set();
        if (!ids.has(eventId)) lines.push(message);
        this.#known.set(timestamp, ids.add(eventId));
      }
      const newest = Math.max(...this.#known.keys());
      this.#known = new Map([[newest, this.#known.get(newest) ?? new Set()]]);
      this.#input['nextToken'] = answer['nextToken'];
      if (answer['nextToken'] !== undefined) continue;
      this.#input['startTime'] = newest;
      return { lines, pages };
    }
  }
}

test('a group is tailed over pages and followed, each line once', async (t) => {
  const clock = new FakeClock();
  const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const stream = { logGroupName: '/g', logStreamName: 'p/app/1' };
  await fargate.ok('logs', 'CreateLogGroup', { logGroupName: '/g' });
  await fargate.ok('logs', 'CreateLogStream', stream);
  const beganMs = clock.now();
  const lines = Array.from({ length: 12_001 }, (_, index) => `line ${index}`);
  // Three of each millisecond, so that a page ends in the middle of one.
  const logEvents = lines.map((message, index) => ({ message, timestamp: beganMs + Math.floor(index / 3) }));
  for (const part of [logEvents.slice(0, 9000), logEvents.slice(9000)]) {
    await fargate.ok('logs', 'PutLogEvents', { ...stream, logEvents: part });
  }
  const tail = new Tail(fargate, { logGroupName: '/g', startTime: beganMs, logStreamNamePrefix: 'p/' });
  const errors = new Tail(fargate, { logGroupName: '/g', startTime: beganMs, filterPattern: '?"line 7" ?error' });
  assert.deepEqual(await tail.read(), { lines, pages: 2 });
  assert.deepEqual(await tail.read(), { lines: [], pages: 1 });
  assert.equal((await errors.read()).lines.length, 1111);

  const timestamp = logEvents.at(-1)?.timestamp;
  const late = ['of the same moment', 'error'].map((message) => ({ message, timestamp }));
  await fargate.ok('logs', 'PutLogEvents', { ...stream, logEvents: late });
  assert.deepEqual((await tail.read()).lines, ['of the same moment', 'error']);
  assert.deepEqual((await errors.read()).lines, ['error']);
});

test('old events go when the retention of their group is over', async (t) => {
  const clock = new FakeClock();
  const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const stream = { logGroupName: '/g', logStreamName: 's' };
  await fargate.ok('logs', 'CreateLogGroup', { logGroupName: '/g' });
  await fargate.ok('logs', 'CreateLogStream', stream);
  await fargate.ok('logs', 'PutRetentionPolicy', { logGroupName: '/g', retentionInDays: 1 });
  await fargate.ok('logs', 'PutLogEvents', { ...stream, logEvents: [{ message: 'x', timestamp: clock.now() }] });
  await clock.advance(86_400_000 + 60_000);
  assert.deepEqual((await fargate.ok('logs', 'GetLogEvents', stream))['events'], []);
});

test('what a container writes is copied once, also over a restart of the server', async (t) => {
  const runtime = fakeRuntime(systemClock);
  const fargate = await new TestFargate(runtime, {}).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const path = join(fargate.stateDir, 'container.log');
  runtime.logPath = async () => path;
  const line = (text: string, flag = 'F') => `${new Date().toISOString()} stdout ${flag} ${text}\n`;
  writeFileSync(path, line('one') + line('half ', 'P'));
  const options = { 'awslogs-group': '/g', 'awslogs-stream-prefix': 'p', 'awslogs-create-group': 'true' };
  const arn = await runTaskOf(fargate, [{ name: 'app', logConfiguration: { logDriver: 'awslogs', options } }], {
    overrides: { executionRoleArn: role },
  });
  const id = arn.split('/').at(-1);
  const written = (count: number) =>
    eventually(`${count} events`, async () => {
      const { body } = await fargate.call('logs', 'GetLogEvents', { logGroupName: '/g', logStreamName: `p/app/${id}` });
      const events = messages(body['events'] ?? []);
      return events.length >= count ? events : undefined;
    });
  assert.deepEqual(await written(1), ['one']);
  await fargate.stop();
  appendFileSync(path, line('two') + line('unfinished').slice(0, -1));
  await fargate.start();
  assert.deepEqual(await written(2), ['one', 'half two']);
  appendFileSync(path, `\n${line('three')}`);
  await fargate.ok('ecs', 'StopTask', { task: arn });
  assert.deepEqual(await written(4), ['one', 'half two', 'unfinished', 'three']);
});

test('a group that is missing and not to be made fails the start', async (t) => {
  const fargate = await new TestFargate(fakeRuntime(systemClock), {}).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const options = { 'awslogs-group': '/none', 'awslogs-stream-prefix': 'p' };
  const arn = await runTaskOf(fargate, [{ name: 'app', logConfiguration: { logDriver: 'awslogs', options } }]);
  const reason = await eventually('the end', async () => {
    const { tasks } = await fargate.ok('ecs', 'DescribeTasks', { tasks: [arn] });
    return (tasks as { stoppedReason?: string }[])[0]?.stoppedReason;
  });
  assert.match(reason, /^ResourceInitializationError: failed to validate logger args: .*log group does not exist/);
});
