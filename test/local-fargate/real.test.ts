import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { noPodman } from '../../src/runtime/libpod/testing/podman-service.ts';
import { findSessionManagerPlugin } from './aws-cli.ts';
import { RealFargate } from './real-fargate.ts';

interface Task {
  readonly taskArn: string;
  readonly lastStatus: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly healthStatus: string;
  readonly containers: readonly {
    readonly name: string;
    readonly exitCode?: number;
    readonly runtimeId: string;
    readonly reason?: string;
    readonly networkInterfaces: readonly { readonly privateIpv4Address: string }[];
  }[];
}

/** JSON of the metadata endpoint. */
type Metadata = Readonly<Record<string, unknown>>;

const network = 'awsvpcConfiguration={subnets=[subnet-1],securityGroups=[sg-1]}';
const logs = {
  logDriver: 'awslogs',
  options: {
    'awslogs-group': '/tasks',
    'awslogs-region': 'us-east-1',
    'awslogs-stream-prefix': 'p',
    'awslogs-create-group': 'true',
  },
};

let fargate: RealFargate;
const options = { skip: noPodman };

before(async () => {
  if (noPodman) return;
  fargate = await RealFargate.start();
  await fargate.aws('ecs', 'create-cluster');
});
after(async () => fargate?.[Symbol.asyncDispose]());

interface RunOptions {
  readonly define?: readonly string[];
  readonly run?: readonly string[];
}

async function run(family: string, containers: readonly object[], more: RunOptions = {}): Promise<string> {
  await fargate.aws(
    ...['ecs', 'register-task-definition', '--family', family, '--network-mode', 'awsvpc'],
    ...['--requires-compatibilities', 'FARGATE', '--cpu', '256', '--memory', '512'],
    ...['--execution-role-arn', 'arn:aws:iam::000000000000:role/execution'],
    ...['--container-definitions', JSON.stringify(containers), ...(more.define ?? [])],
  );
  const { tasks } = await fargate.aws<{ tasks: Task[] }>(
    ...['ecs', 'run-task', '--task-definition', family, '--launch-type', 'FARGATE'],
    ...['--network-configuration', network, ...(more.run ?? [])],
  );
  return tasks[0]?.taskArn ?? '';
}

async function reaches(arn: string, status: string): Promise<Task> {
  return fargate.until(`${arn} is ${status}`, async () => {
    const { tasks } = await fargate.aws<{ tasks: Task[] }>('ecs', 'describe-tasks', '--tasks', arn);
    return tasks.find(({ lastStatus }) => lastStatus === status);
  });
}

async function output(arn: string): Promise<readonly string[]> {
  const { events } = await fargate.aws<{ events: { message: string; logStreamName: string }[] }>(
    ...['logs', 'filter-log-events', '--log-group-name', '/tasks'],
  );
  const id = arn.split('/').at(-1) ?? '';
  return events.filter(({ logStreamName }) => logStreamName.endsWith(id)).map(({ message }) => message);
}

test(
  'a web server answers at its task’s address, writes to CloudWatch Logs and knows its metadata',
  options,
  async () => {
    const arn = await run(
      'web',
      [
        {
          name: 'init',
          image: 'busybox',
          essential: false,
          command: ['sh', '-c', 'echo prepared > /shared/index.html; echo init done'],
          mountPoints: [{ sourceVolume: 'shared', containerPath: '/shared' }],
          logConfiguration: logs,
        },
        {
          name: 'app',
          image: 'busybox',
          command: [
            'sh',
            '-c',
            'wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task; echo; ping -c 1 $(hostname) >/dev/null && echo knows itself; exec httpd -f -p 8080 -h /shared',
          ],
          dependsOn: [{ containerName: 'init', condition: 'SUCCESS' }],
          mountPoints: [{ sourceVolume: 'shared', containerPath: '/shared', readOnly: true }],
          healthCheck: { command: ['CMD-SHELL', 'wget -qO- localhost:8080'], interval: 5 },
          // As process 1 it does not hear SIGTERM.
          stopTimeout: 2,
          logConfiguration: logs,
        },
      ],
      { define: ['--volumes', 'name=shared'] },
    );
    const running = await reaches(arn, 'RUNNING');
    const ip = running.containers[1]?.networkInterfaces[0]?.privateIpv4Address;
    const answer = await fargate.until('it answers', () => fargate.curl(`http://${ip}:8080`).catch(() => undefined));
    assert.equal(answer, 'prepared\n');
    const lines = await fargate.until('its metadata is logged', async () => {
      const found = await output(arn);
      return found.length >= 3 ? found : undefined;
    });
    assert.equal(lines[0], 'init done');
    const metadata = JSON.parse(lines[1] ?? '') as { TaskARN: string; Containers: unknown[] };
    assert.equal(metadata.TaskARN, arn);
    assert.equal(metadata.Containers.length, 2);
    assert.equal(lines[2], 'knows itself');
    await fargate.until('it is healthy', async () => {
      const { tasks } = await fargate.aws<{ tasks: Task[] }>('ecs', 'describe-tasks', '--tasks', arn);
      return tasks[0]?.healthStatus === 'HEALTHY' ? true : undefined;
    });

    await fargate.aws('ecs', 'stop-task', '--task', arn);
    const stopped = await reaches(arn, 'STOPPED');
    assert.equal(stopped.stopCode, 'UserInitiated');
    await assert.rejects(fargate.curl(`http://${ip}:8080`), 'its address no longer answers');
    assert.equal(await fargate.podman.run(['podman', 'ps', '--all', '--quiet']), '', 'nothing is left');
  },
);

test('a container that is killed from the host ends its task with its exit code', options, async () => {
  const arn = await run('killed', [{ name: 'app', image: 'busybox', command: ['sleep', '1000'] }]);
  const running = await reaches(arn, 'RUNNING');
  await fargate.podman.run(['podman', 'kill', '--signal', 'KILL', running.containers[0]?.runtimeId ?? '']);
  const stopped = await reaches(arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'EssentialContainerExited');
  assert.equal(stopped.stoppedReason, 'Essential container in task exited');
  assert.equal(stopped.containers[0]?.exitCode, 137);
});

test('a kill of the server loses no task, no output and no exit code', options, async () => {
  const command = ['sh', '-c', 'trap "exit 3" USR1; i=0; while :; do echo line $((i=i+1)); sleep 0.2; done'];
  const arn = await run('survivor', [{ name: 'app', image: 'busybox', command, logConfiguration: logs }]);
  const running = await reaches(arn, 'RUNNING');
  await fargate.kill();
  await fargate.podman.run(['podman', 'kill', '--signal', 'USR1', running.containers[0]?.runtimeId ?? '']);
  await fargate.startAgain();
  const stopped = await reaches(arn, 'STOPPED');
  assert.equal(stopped.containers[0]?.exitCode, 3);
  const lines = await output(arn);
  assert.deepEqual(
    lines,
    lines.map((_, index) => `line ${index + 1}`),
    'each line once and in order',
  );
  assert.ok(lines.length > 0);
});

test('a program that there is not fails the start with the reason', options, async () => {
  const arn = await run('nothing', [{ name: 'app', image: 'busybox', command: ['/no/such/program'] }]);
  const stopped = await reaches(arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'TaskFailedToStart');
  assert.match(stopped.containers[0]?.reason ?? '', /^CannotStartContainerError: /);
});

test('an image that no registry has fails the start', options, async () => {
  const arn = await run('missing', [{ name: 'app', image: '127.0.0.1:5000/missing/app' }]);
  const stopped = await reaches(arn, 'STOPPED');
  assert.match(stopped.stoppedReason ?? '', /^CannotPullContainerError: .*missing\/app/);
});

/** Takes so much memory and keeps it: one block, of which nobody reads more than what a pipe holds. */
function takesMemory(mib: number): readonly string[] {
  const script = `mkfifo /pipe; sleep 1000 </pipe & exec dd if=/dev/zero of=/pipe bs=${mib}M count=1`;
  return ['sh', '-c', script];
}

test('who goes beyond its own memory is killed, and who takes its task beyond the task’s', options, async () => {
  const killed = 'OutOfMemoryError: Container killed due to memory usage';
  const arn = await run('greedy', [
    { name: 'alone', image: 'busybox', essential: false, memory: 64, command: takesMemory(100) },
    { name: 'first', image: 'busybox', command: takesMemory(200), stopTimeout: 2 },
    {
      name: 'second',
      image: 'busybox',
      command: takesMemory(400),
      dependsOn: [{ containerName: 'alone', condition: 'COMPLETE' }],
    },
  ]);
  const stopped = await reaches(arn, 'STOPPED');
  assert.equal(stopped.stopCode, 'EssentialContainerExited');
  const ends = stopped.containers.map(({ name, exitCode, reason }) => ({ name, exitCode, reason }));
  assert.deepEqual(ends, [
    { name: 'alone', exitCode: 137, reason: killed },
    { name: 'first', exitCode: 137, reason: undefined },
    { name: 'second', exitCode: 137, reason: killed },
  ]);
});

test('processes have the limits and the init of the definition', options, async () => {
  const arn = await run('limited', [
    {
      name: 'app',
      image: 'busybox',
      command: ['sh', '-c', 'ulimit -Sn; ulimit -Hn; [ $$ != 1 ] && echo child of an init'],
      ulimits: [{ name: 'nofile', softLimit: 100, hardLimit: 200 }],
      linuxParameters: { initProcessEnabled: true },
      logConfiguration: logs,
    },
  ]);
  const stopped = await reaches(arn, 'STOPPED');
  assert.equal(stopped.containers[0]?.exitCode, 0);
  assert.deepEqual(await output(arn), ['100', '200', 'child of an init']);
});

test('a container reads its metadata and what its task uses', options, async () => {
  const paths = ['', '/task', '/taskWithTags', '/stats', '/task/stats'];
  const script = `sleep 2000 & ${paths.map((path) => `wget -qO- $ECS_CONTAINER_METADATA_URI_V4${path}; echo`).join('; ')}`;
  const arn = await run('curious', [
    { name: 'app', image: 'busybox', command: ['sh', '-c', script], logConfiguration: logs },
    { name: 'other', image: 'busybox', essential: false, command: ['true'] },
  ]);
  const { containers } = await reaches(arn, 'STOPPED');
  assert.equal(containers[0]?.exitCode, 0);
  const answers = (await output(arn)).map((line) => JSON.parse(line) as Metadata);
  const [own = {}, task = {}, withTags = {}, stats = {}, all = {}] = answers;
  const [id = '', otherId = ''] = containers.map(({ runtimeId }) => runtimeId);
  assert.deepEqual([own['Name'], own['DockerId']], ['app', id]);
  const [network = {}] = own['Networks'] as Metadata[];
  assert.deepEqual(network['IPv4Addresses'], [containers[0]?.networkInterfaces[0]?.privateIpv4Address]);
  assert.match(String(network['IPv4SubnetCIDRBlock']), /^10\.\d+\.0\.0\/\d+$/);
  assert.deepEqual(task['Limits'], { CPU: 0.25, Memory: 512 });
  assert.deepEqual(Object.keys(withTags), [...Object.keys(task), 'TaskTags']);

  assert.deepEqual([stats['name'], stats['id']], ['app', id]);
  const memory = stats['memory_stats'] as { readonly usage: number; readonly limit: number };
  assert.equal(memory.limit, 512 * 2 ** 20);
  assert.ok(memory.usage > 0);
  assert.deepEqual(Object.keys(stats['networks'] as object), ['eth0']);
  for (const member of ['read', 'preread', 'cpu_stats', 'precpu_stats', 'network_rate_stats']) {
    assert.ok(stats[member], member);
  }
  assert.deepEqual(Object.keys(all).sort(), [id, otherId].sort());
  assert.equal((all[id] as Metadata)['name'], 'app');
  assert.equal(all[otherId], null, 'of a container that has ended');
});

test('the AWS CLI talks to a command in a container', options, async (t) => {
  const plugin = await findSessionManagerPlugin();
  if (plugin === undefined) return t.skip('there is no Go to build the session-manager-plugin with');
  const arn = await run(
    'visited',
    [{ name: 'app', image: 'busybox', user: '1000', command: ['sleep', '1000'], stopTimeout: 2 }],
    { run: ['--enable-execute-command'] },
  );
  await reaches(arn, 'RUNNING');
  const session = fargate.execute(plugin, '--task', arn, '--command', '/bin/sh');
  let said = '';
  for (const stream of [session.stdout, session.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  // Its end ends the plugin, and so the rest, where the test has failed.
  t.after(() => session.stdin.end());
  const says = (words: RegExp) =>
    fargate
      .until(`it says ${words}`, async () => (words.test(said) ? true : undefined))
      .catch((error: unknown) => Promise.reject(new Error(said, { cause: error })));
  await says(/\/ # /);
  session.stdin.write('echo $((40 + 2)) $(id -u)\n');
  await says(/^42 0\r?$/m);
  // The size that the plugin tells where it has no terminal itself.
  session.stdin.write('stty size\n');
  await says(/^100 300\r?$/m);
  // Much at once: more than may be on its way.
  session.stdin.write('head -c 500000 /dev/zero | tr "\\0" x; echo " the end"\n');
  await says(/^x{500000} the end\r?$/m);
  session.stdin.write('exit 3\n');
  const [code] = await once(session, 'close');
  assert.equal(code, 0, said.slice(-1000));
  assert.match(said, /Exiting session with sessionId: ecs-execute-command-[0-9a-f]{17}\./);
  await fargate.aws('ecs', 'stop-task', '--task', arn);
  await reaches(arn, 'STOPPED');
});
