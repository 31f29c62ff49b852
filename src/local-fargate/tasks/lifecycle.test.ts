import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { systemClock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { defaultPositions } from '../switches/switches.ts';
import { runTaskOf } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

interface TaskView {
  readonly taskArn: string;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly healthStatus: string;
  readonly tags: readonly unknown[];
  readonly version: number;
  readonly containers: readonly {
    readonly name: string;
    readonly lastStatus: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly imageDigest?: string;
    readonly networkInterfaces: readonly { readonly privateIpv4Address: string }[];
  }[];
  readonly [member: string]: unknown;
}

async function describe(fargate: TestFargate, arn: string): Promise<TaskView> {
  const { tasks } = (await fargate.ok('ecs', 'DescribeTasks', { tasks: [arn], include: ['TAGS'] })) as {
    tasks: TaskView[];
  };
  const [task] = tasks;
  assert.ok(task, 'the task is missing');
  return task;
}

function reaches(fargate: TestFargate, arn: string, status: string): Promise<TaskView> {
  return eventually(`${status} of the task`, async () => {
    const task = await describe(fargate, arn);
    return task.lastStatus === status ? task : undefined;
  });
}

function idOf(runtime: FakeRuntime, container: string): string {
  const info = runtime.containers.findLast(({ name }) => name.includes(`-${container}-`));
  assert.ok(info, `there is no container ${container}`);
  return info.id;
}

async function start(runtime = fakeRuntime(systemClock)): Promise<{ fargate: TestFargate; runtime: FakeRuntime }> {
  return { fargate: await new TestFargate(runtime, {}).start(), runtime };
}

test('a task runs with an address of its own and is stopped by its user', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }], { tags: [{ key: 'a', value: 'b' }], startedBy: 'me' });
  const running = await reaches(fargate, arn, 'RUNNING');
  assert.equal(running.containers[0]?.networkInterfaces[0]?.privateIpv4Address, runtime.sandboxes[0]?.ips[0]);
  assert.deepEqual(runtime.sandboxSpecOf(runtime.sandboxes[0]?.id ?? '').resources, {
    cpuShares: 256,
    cpuPeriodUs: 100_000,
    cpuQuotaUs: 25_000,
    memoryLimitBytes: 512 * 2 ** 20,
  });
  assert.equal(running.containers[0]?.imageDigest, `sha256:${'a'.repeat(64)}`);
  assert.deepEqual(running.tags, [{ key: 'a', value: 'b' }]);
  for (const moment of ['createdAt', 'connectivityAt', 'pullStartedAt', 'pullStoppedAt', 'startedAt']) {
    assert.equal(typeof running[moment], 'number', moment);
  }

  const { task } = (await fargate.ok('ecs', 'StopTask', { task: arn })) as { task: TaskView };
  assert.equal(task.desiredStatus, 'STOPPED');
  assert.equal(task.lastStatus, 'RUNNING');
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'UserInitiated');
  assert.equal(stopped.stoppedReason, 'Task stopped by user');
  assert.equal(stopped.containers[0]?.exitCode, 143);
  assert.deepEqual(stopped.tags, [], 'StopTask deletes tags');
  for (const moment of ['stoppingAt', 'executionStoppedAt', 'stoppedAt']) {
    assert.equal(typeof stopped[moment], 'number', moment);
  }
  assert.deepEqual(runtime.sandboxes, [], 'nothing is left behind');
});

test('with the latency of Fargate, a task passes through all states, each with its time', async (t) => {
  const clock = new FakeClock();
  const runtime = fakeRuntime(clock);
  const switches = { ...defaultPositions, throttling: 0, startLatency: 'real' } as const;
  const fargate = await new TestFargate(runtime, { clock, options: { switches, eventQueue: 'events' } }).start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  const beganMs = clock.now();
  const advancedTo = (status: string): Promise<TaskView> =>
    eventually(`${status} of the task`, async () => {
      await clock.advance(1000);
      const task = await describe(fargate, arn);
      return task.lastStatus === status ? task : undefined;
    });
  const running = await advancedTo('RUNNING');
  assert.ok(clock.now() - beganMs >= 35_000, 'it takes its time');
  const moments = ['createdAt', 'connectivityAt', 'pullStartedAt', 'pullStoppedAt', 'startedAt'];
  const times = moments.map((moment) => Number(running[moment]));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );

  await fargate.ok('ecs', 'StopTask', { task: arn });
  await advancedTo('STOPPED');
  const { QueueUrl } = await fargate.ok('sqs', 'GetQueueUrl', { QueueName: 'events' });
  const seen = new Set<string>();
  for (;;) {
    const { Messages = [] } = await fargate.ok('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 });
    const bodies = (Messages as { Body: string }[]).map(({ Body }) => JSON.parse(Body) as { detail: TaskView });
    if (bodies.length === 0) break;
    for (const { detail } of bodies) seen.add(detail.lastStatus);
  }
  assert.deepEqual(
    [...seen],
    ['PROVISIONING', 'PENDING', 'ACTIVATING', 'RUNNING', 'DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'],
  );
});

test('the end of an essential container ends the task, and only that', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }, { name: 'aside', essential: false }]);
  await reaches(fargate, arn, 'RUNNING');
  runtime.exit(idOf(runtime, 'aside'), 1);
  await eventually('the end of the other', async () =>
    (await describe(fargate, arn)).containers.find(({ name, exitCode }) => name === 'aside' && exitCode === 1),
  );
  assert.equal((await describe(fargate, arn)).lastStatus, 'RUNNING');
  runtime.exit(idOf(runtime, 'app'), 137, { oomKilled: true });
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'EssentialContainerExited');
  assert.equal(stopped.stoppedReason, 'Essential container in task exited');
  const app = stopped.containers.find(({ name }) => name === 'app');
  assert.equal(app?.exitCode, 137);
  assert.equal(app?.reason, 'OutOfMemoryError: Container killed due to memory usage');
});

test('a container waits for the success of the one that it depends on', async (t) => {
  const runtime = fakeRuntime(systemClock);
  runtime.programs = ({ name }) => (name.includes('-init-') ? { exitAfterMs: 20, exitCode: 0 } : {});
  const { fargate } = await start(runtime);
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [
    { name: 'app', dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }] },
    { name: 'init', essential: false },
  ]);
  const running = await reaches(fargate, arn, 'RUNNING');
  assert.deepEqual(
    running.containers.map(({ name, lastStatus, exitCode }) => [name, lastStatus, exitCode]),
    [
      ['app', 'RUNNING', undefined],
      ['init', 'STOPPED', 0],
    ],
  );
});

test('a failed dependency fails the start of the task', async (t) => {
  const runtime = fakeRuntime(systemClock);
  runtime.programs = ({ name }) => (name.includes('-init-') ? { exitAfterMs: 1, exitCode: 3 } : {});
  const { fargate } = await start(runtime);
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [
    { name: 'init', essential: false },
    { name: 'app', dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }] },
  ]);
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'TaskFailedToStart');
  assert.deepEqual(
    stopped.containers.map(({ exitCode }) => exitCode),
    [3, 143],
  );
  assert.match(stopped.containers[1]?.reason ?? '', /did not exit successfully/);
});

test('an image that cannot be pulled fails the start with the reason', async (t) => {
  const { fargate } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app', image: 'no/such' }]);
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'TaskFailedToStart');
  assert.match(stopped.stoppedReason ?? '', /^CannotPullContainerError: .*docker\.io\/no\/such:latest/);
  assert.equal(stopped['startedAt'], undefined);
});

test('a container that cannot be started fails the start of the task', async (t) => {
  const runtime = fakeRuntime(systemClock);
  runtime.programs = () => ({ startError: 'exec: "nothing": executable file not found in $PATH' });
  const { fargate } = await start(runtime);
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'TaskFailedToStart');
  assert.equal(stopped.stoppedReason, 'Task failed to start');
  assert.match(stopped.containers[0]?.reason ?? '', /^CannotStartContainerError: .*executable file not found/);
  assert.equal(stopped.containers[0]?.exitCode, 127);
});

test('a restart of the server finds its tasks again, and what ended meanwhile', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  await reaches(fargate, arn, 'RUNNING');
  await fargate.stop();
  assert.equal(runtime.running.length, 1, 'tasks run on');
  await fargate.start();
  assert.equal((await describe(fargate, arn)).lastStatus, 'RUNNING');
  await fargate.stop();
  runtime.exit(idOf(runtime, 'app'), 3);
  await fargate.start();
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.containers[0]?.exitCode, 3);
});

test('an engine that does not answer delays a task and does not lose it', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  runtime.failNext('runSandbox', new CodedError('Unavailable', 'not now'));
  runtime.failNext('createContainer', new CodedError('Unavailable', 'not now'));
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  await reaches(fargate, arn, 'RUNNING');
  assert.equal(runtime.containers.length, 1);
});

test('a sandbox without a record is removed at the start', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  await reaches(fargate, arn, 'RUNNING');
  const [sandbox] = runtime.sandboxes;
  await fargate.stop();
  const labels = { ...sandbox?.labels, 'local-fargate.task': '0'.repeat(32) };
  const spec = {
    name: 'stray',
    labels,
    hostname: '',
    hostNetwork: false,
    sharePids: false,
    sysctls: {},
    hostPorts: [],
  };
  await runtime.runSandbox(spec, { signal: new AbortController().signal });
  await fargate.start();
  assert.deepEqual(
    runtime.sandboxes.map(({ name }) => name),
    [sandbox?.name],
  );
});

test('the environment is that of the definition, the overrides, the secrets and of Fargate', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const { ARN: secret } = await fargate.ok('secretsmanager', 'CreateSecret', {
    Name: 'db',
    SecretString: JSON.stringify({ password: 'p4ss', port: 5432 }),
  });
  await fargate.ok('ssm', 'PutParameter', { Name: '/app/mode', Value: 'fast', Type: 'SecureString' });
  const arn = await runTaskOf(
    fargate,
    [
      {
        name: 'app',
        environment: [
          { name: 'A', value: '1' },
          { name: 'B', value: '1' },
        ],
        secrets: [
          { name: 'WHOLE', valueFrom: secret },
          { name: 'PASSWORD', valueFrom: `${String(secret)}:password::` },
          { name: 'PORT', valueFrom: `${String(secret)}:port::` },
          { name: 'MODE', valueFrom: '/app/mode' },
        ],
      },
    ],
    { overrides: { containerOverrides: [{ name: 'app', command: ['x'], environment: [{ name: 'B', value: '2' }] }] } },
  );
  await reaches(fargate, arn, 'RUNNING');
  const spec = runtime.specOf(idOf(runtime, 'app'));
  const { A, B, PASSWORD, PORT, MODE, WHOLE, AWS_EXECUTION_ENV } = spec.env;
  assert.deepEqual(
    { A, B, PASSWORD, PORT, MODE, WHOLE, AWS_EXECUTION_ENV },
    {
      A: '1',
      B: '2',
      PASSWORD: 'p4ss',
      PORT: '5432',
      MODE: 'fast',
      WHOLE: '{"password":"p4ss","port":5432}',
      AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    },
  );
  assert.deepEqual(spec.command, ['x']);
  const shown = JSON.stringify([
    await describe(fargate, arn),
    await fargate.ok('ecs', 'DescribeTaskDefinition', { taskDefinition: 'web' }),
  ]);
  assert.doesNotMatch(shown, /p4ss/);
});

test('a secret that is missing fails the start, without a value in its reason', async (t) => {
  const { fargate } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const { ARN: secret } = await fargate.ok('secretsmanager', 'CreateSecret', {
    Name: 'db',
    SecretString: 'no json: p4ss',
  });
  const arn = await runTaskOf(fargate, [
    { name: 'app', secrets: [{ name: 'X', valueFrom: `${String(secret)}:password::` }] },
  ]);
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'TaskFailedToStart');
  assert.match(stopped.stoppedReason ?? '', /^ResourceInitializationError: unable to pull secrets/);
  assert.doesNotMatch(stopped.stoppedReason ?? '', /p4ss/);
});

test('a Spot task that is interrupted is warned, and ends with the reason', async (t) => {
  const { fargate, runtime } = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  await fargate.ok('ecs', 'CreateCluster', { capacityProviders: ['FARGATE', 'FARGATE_SPOT'] });
  const arn = await runTaskOf(fargate, [{ name: 'app' }], {
    launchType: undefined,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
  });
  const running = await reaches(fargate, arn, 'RUNNING');
  assert.equal(running['capacityProviderName'], 'FARGATE_SPOT');
  await fargate.admin('POST', 'interrupt', { task: arn, warningSeconds: 0.3 });
  const warned = await describe(fargate, arn);
  assert.deepEqual([warned.desiredStatus, warned.lastStatus], ['STOPPED', 'RUNNING']);
  assert.equal(runtime.running.length, 1, 'it has its time');
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'SpotInterruption');
  assert.equal(stopped.stoppedReason, 'Your Spot Task was interrupted.');
});

test('a task that is stopped while its image is pulled ends at once', async (t) => {
  const runtime = fakeRuntime(systemClock);
  runtime.beforePull = () => new Promise(() => {});
  const { fargate } = await start(runtime);
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  await reaches(fargate, arn, 'ACTIVATING');
  await fargate.ok('ecs', 'StopTask', { task: arn, reason: 'enough' });
  const stopped = await reaches(fargate, arn, 'STOPPED');
  assert.equal(stopped.stoppedReason, 'enough');
  assert.equal(stopped.containers[0]?.exitCode, undefined);
  assert.deepEqual(runtime.sandboxes, []);
});
