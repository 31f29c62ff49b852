import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { definitionInput, runInput } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

const clock = new FakeClock();
const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
test.after(() => fargate[Symbol.asyncDispose]());
await fargate.ok('ecs', 'CreateCluster');
await fargate.ok('ecs', 'RegisterTaskDefinition', definitionInput([{ name: 'app' }]));

interface Run {
  readonly tasks: readonly { readonly taskArn: string; readonly startedBy?: string }[];
  readonly failures: readonly { readonly reason: string }[];
}

async function run(more: object = {}): Promise<Run> {
  return (await fargate.ok('ecs', 'RunTask', { ...runInput, ...more })) as unknown as Run;
}

async function list(filters: object): Promise<readonly string[]> {
  return (await fargate.ok('ecs', 'ListTasks', filters))['taskArns'] as string[];
}

for (const [name, change, refusal] of [
  ['a cluster that there is not', { cluster: 'x' }, 'ClusterNotFoundException: Cluster not found.'],
  ['a definition that there is not', { taskDefinition: 'x' }, 'ClientException: TaskDefinition not found.'],
  [
    'no network',
    { networkConfiguration: undefined },
    "InvalidParameterException: Network Configuration must be provided when networkMode 'awsvpc' is specified.",
  ],
  [
    'no launch type and no strategy',
    { launchType: undefined },
    'InvalidParameterException: No Container Instances were found in your cluster.',
  ],
  [
    'an override of no container',
    { overrides: { containerOverrides: [{ name: 'x' }] } },
    'InvalidParameterException: Override for container named x is not a container in the TaskDefinition.',
  ],
  [
    'overrides that are too long',
    { overrides: { containerOverrides: [{ name: 'app', command: ['x'.repeat(8192)] }] } },
    'InvalidParameterException: Container Overrides length must be at most 8192',
  ],
  [
    'a size that there is not',
    { overrides: { cpu: '512', memory: '512' } },
    'ClientException: No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for the valid values.',
  ],
] as const) {
  test(`${name} is refused`, async () => {
    assert.equal(await fargate.refusal('ecs', 'RunTask', { ...runInput, ...change }), refusal);
  });
}

for (const [name, change] of [
  ['eleven tasks', { count: 11 }],
  ['a dot in startedBy', { startedBy: 'a.b' }],
  [
    'seventeen subnets',
    {
      networkConfiguration: {
        awsvpcConfiguration: { subnets: Array.from({ length: 17 }, (_, index) => `subnet-${index}`) },
      },
    },
  ],
  ['a long client token', { clientToken: 'x'.repeat(65) }],
  ['a tag of AWS', { tags: [{ key: 'aws:x', value: '' }] }],
] as const) {
  test(`${name} is refused`, async () => {
    assert.match(await fargate.refusal('ecs', 'RunTask', { ...runInput, ...change }), /^InvalidParameterException: /);
  });
}

test('what Fargate has and we have not is refused with all of it', async () => {
  const definition = definitionInput(
    [
      { name: 'app', logConfiguration: { logDriver: 'awsfirelens' } },
      { name: 'router', firelensConfiguration: { type: 'fluentbit' } },
    ],
    { family: 'much', volumes: [{ name: 'v', configuredAtLaunch: true }] },
  );
  await fargate.ok('ecs', 'RegisterTaskDefinition', definition);
  assert.equal(
    await fargate.refusal('ecs', 'RunTask', { ...runInput, taskDefinition: 'much' }),
    'UnsupportedFeatureException: Local Fargate does not have: EBS (volume v), the log driver awsfirelens (container ' +
      'app), firelensConfiguration (container router).',
  );
});

test('a client token runs its tasks once, and with other parameters conflicts with them', async () => {
  const first = await run({ clientToken: 'token-1', count: 2, startedBy: 'once' });
  const again = await run({ clientToken: 'token-1', count: 2, startedBy: 'once' });
  assert.deepEqual(
    again.tasks.map(({ taskArn }) => taskArn),
    first.tasks.map(({ taskArn }) => taskArn),
  );
  const { status, body } = await fargate.call('ecs', 'RunTask', { ...runInput, clientToken: 'token-1', count: 1 });
  assert.equal(status, 400);
  assert.equal(body['__type'], 'ConflictException');
  assert.deepEqual(
    body['resourceIds'],
    first.tasks.map(({ taskArn }) => taskArn),
  );
  await clock.advance(24 * 3_600_000 + 1);
  const later = await run({ clientToken: 'token-1', count: 2, startedBy: 'once' });
  assert.notEqual(later.tasks[0]?.taskArn, first.tasks[0]?.taskArn);
});

test('tasks are listed by what they should be, and startedBy stands alone', async () => {
  const { tasks } = await run({ startedBy: 'lister' });
  const arn = tasks[0]?.taskArn ?? '';
  assert.deepEqual(await list({ startedBy: 'lister' }), [arn]);
  assert.match(
    await fargate.refusal('ecs', 'ListTasks', { startedBy: 'lister', family: 'web' }),
    /^InvalidParameterException: startedBy/,
  );
  await fargate.ok('ecs', 'StopTask', { task: arn });
  assert.deepEqual(await list({ startedBy: 'lister' }), [], 'RUNNING is meant where nothing is said');
  assert.deepEqual(await list({ desiredStatus: 'STOPPED', family: 'web' }), [arn]);
  assert.deepEqual(await list({ desiredStatus: 'STOPPED', family: 'other' }), []);
  assert.deepEqual(await list({ launchType: 'EC2' }), []);
  assert.equal(
    await fargate.refusal('ecs', 'StopTask', { task: 'f'.repeat(32) }),
    'InvalidParameterException: The referenced task was not found.',
  );
});

test('lists come in pages', async () => {
  await run({ count: 5 });
  const all = await list({});
  const pages: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await fargate.ok('ecs', 'ListTasks', { maxResults: 2, nextToken });
    pages.push(...(page['taskArns'] as string[]));
    nextToken = page['nextToken'] as string | undefined;
  } while (nextToken !== undefined);
  assert.deepEqual(pages, all);
});

test('where capacity is exhausted, what does not fit is told as a failure', async () => {
  const live = (await list({})).length;
  await fargate.admin('PATCH', 'switches', { capacity: { FARGATE: live + 1, FARGATE_SPOT: 0 } });
  const { tasks: started, failures } = await run({ count: 3 });
  assert.equal(started.length, 1);
  assert.deepEqual(failures, [
    { reason: 'Capacity is unavailable at this time. Please try again later or in a different availability zone' },
  ]);
  await fargate.admin('PATCH', 'switches', { capacity: { FARGATE: null, FARGATE_SPOT: null } });
});

test('a task that is too young is not found where consistency is eventual', async () => {
  await fargate.admin('PATCH', 'switches', { consistencyDelayMs: 1000 });
  const { tasks } = await run({ startedBy: 'young' });
  const describe = () => fargate.ok('ecs', 'DescribeTasks', { tasks: tasks.map(({ taskArn }) => taskArn) });
  assert.deepEqual(await list({ startedBy: 'young' }), []);
  assert.deepEqual((await describe())['failures'], [{ arn: tasks[0]?.taskArn, reason: 'MISSING' }]);
  await clock.advance(1000);
  assert.equal(((await describe())['tasks'] as unknown[]).length, 1);
  await fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
});

test('throttling refuses the calls past the burst, and the counts tell', async () => {
  await fargate.admin('DELETE', 'calls');
  await fargate.admin('PATCH', 'switches', { throttling: 1 });
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => fargate.call('ecs', 'RegisterTaskDefinition', definitionInput([{ name: 'app' }]))),
  );
  const refused = answers.filter(({ body }) => body['__type'] === 'ThrottlingException');
  assert.equal(refused.length, 5);
  assert.equal(refused[0]?.body['message'], 'Rate exceeded');
  assert.deepEqual((await fargate.admin('GET', 'calls')).body['ecs:RegisterTaskDefinition'], {
    calls: 25,
    throttled: 5,
    refused: 0,
  });
  await fargate.admin('PATCH', 'switches', { throttling: 0 });
});

test('the next start fails where it is made to', async () => {
  await fargate.admin('PATCH', 'switches', { failStarts: { count: 1, reason: 'because' } });
  const { tasks } = await run();
  const task = await eventually('the failure', async () => {
    const described = await fargate.ok('ecs', 'DescribeTasks', { tasks: tasks.map(({ taskArn }) => taskArn) });
    return (described['tasks'] as { stopCode?: string; stoppedReason?: string }[]).find((it) => it.stopCode);
  });
  assert.deepEqual([task.stopCode, task.stoppedReason], ['TaskFailedToStart', 'because']);
});

test('a switch that there is not is refused', async () => {
  const { status, body } = await fargate.admin('PATCH', 'switches', { latency: 'real' });
  assert.equal(status, 400);
  assert.match(JSON.stringify(body), /latency/);
});

test('stopped tasks are forgotten after an hour', async () => {
  const { tasks } = await run();
  const arn = tasks[0]?.taskArn ?? '';
  await fargate.ok('ecs', 'StopTask', { task: arn });
  const describe = () => fargate.ok('ecs', 'DescribeTasks', { tasks: [arn] });
  await eventually('the end of the task', async () => {
    const [task] = (await describe())['tasks'] as { lastStatus: string }[];
    return task?.lastStatus === 'STOPPED' ? task : undefined;
  });
  await clock.advance(3_590_000);
  assert.equal(((await describe())['tasks'] as unknown[]).length, 1);
  await clock.advance(20_000);
  assert.deepEqual((await describe())['tasks'], []);
});

test('resources are tagged, untagged and asked for their tags', async () => {
  const { tasks } = await run({ tags: [{ key: 'a', value: '1' }], enableECSManagedTags: true });
  const resourceArn = tasks[0]?.taskArn ?? '';
  await fargate.ok('ecs', 'TagResource', { resourceArn, tags: [{ key: 'b', value: '2' }] });
  await fargate.ok('ecs', 'UntagResource', { resourceArn, tagKeys: ['a'] });
  assert.deepEqual((await fargate.ok('ecs', 'ListTagsForResource', { resourceArn }))['tags'], [
    { key: 'aws:ecs:clusterName', value: 'default' },
    { key: 'b', value: '2' },
  ]);
  assert.match(
    await fargate.refusal('ecs', 'ListTagsForResource', { resourceArn: `${resourceArn}0` }),
    /^InvalidParameterException/,
  );
});

test('a cluster with tasks stays', async () => {
  assert.match(await fargate.refusal('ecs', 'DeleteCluster', { cluster: 'default' }), /^ClusterContainsTasksException/);
  await fargate.ok('ecs', 'CreateCluster', { clusterName: 'other' });
  await fargate.ok('ecs', 'DeleteCluster', { cluster: 'other' });
  assert.match(await fargate.refusal('ecs', 'ListTasks', { cluster: 'other' }), /^ClusterNotFoundException/);
});
