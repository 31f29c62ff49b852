import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { CommandRequest, ContainerSessions, SessionStreams } from '../../runtime/sessions.ts';
import { systemClock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import { runTaskOf } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';
import { PluginClient } from '../testing/plugin-client.ts';
import { untilAborted } from '../until-aborted.ts';
import { payloadTypes } from './agent-message.ts';

type Run = SessionStreams & { readonly signal: AbortSignal };

/** Says what it is told, in capital letters, and its size; ends at `exit`. */
async function shout({ stdin, stdout, resizes, signal }: Run): Promise<{ readonly exitCode: number }> {
  const told = (async () => {
    for await (const { width, height } of resizes) stdout?.write(`${width}x${height};`);
  })();
  told.catch(() => {});
  stdout?.write('ready;');
  for await (const chunk of stdin ?? []) {
    signal.throwIfAborted();
    if (String(chunk) === 'exit') return { exitCode: 0 };
    stdout?.write(`${String(chunk).toUpperCase()};`);
  }
  throw new Error('the input ended');
}

class FakeSessions implements ContainerSessions {
  readonly commands: CommandRequest[] = [];
  run: (streams: Run) => Promise<{ readonly exitCode: number }> = shout;
  signal: AbortSignal | undefined;

  runCommand(_id: string, request: CommandRequest, streams: Run) {
    this.commands.push(request);
    this.signal = streams.signal;
    return untilAborted(this.run(streams), streams.signal);
  }

  attach(): Promise<void> {
    return Promise.reject(new Error('not in this test'));
  }

  connect(): Promise<never> {
    return Promise.reject(new Error('not in this test'));
  }
}

interface Opened {
  readonly session: { readonly sessionId: string; readonly streamUrl: string; readonly tokenValue: string };
}

describe('commands in containers', () => {
  let sessions: FakeSessions;
  let fargate: TestFargate;
  let arn: string;

  beforeEach(async () => {
    sessions = new FakeSessions();
    fargate = await new TestFargate(fakeRuntime(systemClock), { sessions }).start();
    arn = await runTaskOf(fargate, [{ name: 'app' }], { enableExecuteCommand: true });
    await eventually('the task running', async () =>
      (await describeTask())['lastStatus'] === 'RUNNING' ? true : undefined,
    );
  });
  afterEach(() => fargate[Symbol.asyncDispose]());

  async function describeTask(): Promise<Record<string, unknown>> {
    const { tasks } = await fargate.ok('ecs', 'DescribeTasks', { tasks: [arn] });
    return (tasks as Record<string, unknown>[])[0] ?? {};
  }

  async function open(command = 'sh -c "a b"'): Promise<Opened['session']> {
    const answer = await fargate.ok('ecs', 'ExecuteCommand', { task: arn, interactive: true, command });
    return (answer as unknown as Opened).session;
  }

  async function begin(): Promise<PluginClient> {
    const { streamUrl, tokenValue } = await open();
    const client = new PluginClient(streamUrl);
    await client.begin(tokenValue);
    return client;
  }

  const says = (client: PluginClient, output: string) =>
    eventually(output, () => (client.output === output ? true : undefined));

  test('a session has input, output, the size of its terminal and an end', async () => {
    const client = await begin();
    await says(client, 'ready;');
    assert.deepEqual(sessions.commands, [{ command: ['sh', '-c', 'a b'], tty: true, user: '0:0' }]);
    client.resize(80, 24);
    await says(client, 'ready;80x24;');
    client.type('hello');
    await says(client, 'ready;80x24;HELLO;');
    client.type('exit');
    await client.closed();
    assert.equal(client.closedWith, '');
    assert.deepEqual(client.acknowledged, [0, 1, 2, 3]);
  });

  test('input that comes twice is taken once, and acknowledged each time', async () => {
    const client = await begin();
    await says(client, 'ready;');
    client.sendInput(payloadTypes.bytes, 'once', 1);
    client.sendInput(payloadTypes.bytes, 'once', 1);
    client.sendInput(payloadTypes.bytes, 'too early', 5);
    client.sendInput(payloadTypes.bytes, 'exit', 2);
    await client.closed();
    assert.equal(client.output, 'ready;ONCE;');
    assert.deepEqual(client.acknowledged, [0, 1, 1, 2]);
  });

  test('output that is not acknowledged comes again, and the end waits for it', async () => {
    const { streamUrl, tokenValue } = await open();
    const client = new PluginClient(streamUrl);
    let ignored = 0;
    client.ignores = ({ payloadType }) => payloadType === payloadTypes.bytes && ignored++ < 2;
    sessions.run = async ({ stdout }) => {
      stdout?.write('all of it');
      return { exitCode: 0 };
    };
    await client.begin(tokenValue);
    await client.closed();
    assert.equal(client.output, 'all of it');
    assert.equal(client.received.filter(({ payloadType }) => payloadType === payloadTypes.bytes).length, 3);
  });

  test('a command that writes more than is taken has to wait', async () => {
    const { streamUrl, tokenValue } = await open();
    const client = new PluginClient(streamUrl);
    let stalled = true;
    client.ignores = ({ payloadType }) => stalled && payloadType === payloadTypes.bytes;
    let written = 0;
    sessions.run = async ({ stdout }) => {
      for (; written < 200; written++) {
        await new Promise<void>((resolve) => void stdout?.write(Buffer.alloc(4096, 'x'), () => resolve()));
      }
      return { exitCode: 0 };
    };
    await client.begin(tokenValue);
    await eventually('a full window', () => (written >= 63 ? true : undefined));
    assert.ok(written < 65);
    stalled = false;
    await eventually('all that was lost', () => (client.output.length >= 64 * 4096 ? true : undefined));
    await client.closed();
    assert.equal(client.output.length, 200 * 4096);
  });

  test('a command that cannot be run ends the session with the reason', async () => {
    sessions.run = () => Promise.reject(new CodedError('Conflict', 'the container does not run'));
    const client = await begin();
    await client.closed();
    assert.equal(client.closedWith, 'the container does not run');
  });

  for (const [how, end] of [
    ['vanishes', (client: PluginClient) => client.vanish()],
    ['says so', (client: PluginClient) => client.sendInput(payloadTypes.flag, Buffer.from([0, 0, 0, 2]))],
    ['sends nonsense', (client: PluginClient) => client.sendInput(payloadTypes.size, 'wide')],
  ] as const) {
    test(`a command ends when its client ${how}`, async () => {
      const client = await begin();
      await says(client, 'ready;');
      end(client);
      await eventually('the end of the command', () => (sessions.signal?.aborted ? true : undefined));
      await client.closed();
    });
  }

  test('Systems Manager ends a session, and resumes none', async () => {
    const { sessionId, streamUrl, tokenValue } = await open();
    const client = new PluginClient(streamUrl);
    await client.begin(tokenValue);
    await says(client, 'ready;');
    await fargate.ok('ssm', 'TerminateSession', { SessionId: sessionId });
    await client.closed();
    assert.deepEqual(await fargate.ok('ssm', 'ResumeSession', { SessionId: sessionId }), { SessionId: sessionId });
  });

  test('a token is good for one connection, and another is not taken', async () => {
    const { streamUrl } = await open();
    const stranger = new PluginClient(streamUrl);
    await stranger.begin('guessed');
    await stranger.closed();
    assert.deepEqual(sessions.commands, []);
    await assert.rejects(new PluginClient(streamUrl).begin('guessed'), /404/);
  });

  test('the agent is told, and who may not run commands is refused', async () => {
    const [container] = (await describeTask())['containers'] as { managedAgents: Record<string, unknown>[] }[];
    const [agent] = container?.managedAgents ?? [];
    assert.deepEqual([agent?.['name'], agent?.['lastStatus']], ['ExecuteCommandAgent', 'RUNNING']);
    const other = (await fargate.ok('ecs', 'RunTask', {
      taskDefinition: 'web',
      launchType: 'FARGATE',
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
    })) as { tasks: { taskArn: string }[] };
    const good = { task: arn, interactive: true, command: 'sh' };
    const cases: readonly [input: object, says: RegExp][] = [
      [{ ...good, interactive: false }, /^InvalidParameterException: Interactive is the only mode/],
      [{ ...good, task: '0'.repeat(32) }, /^InvalidParameterException: The task .* was not found/],
      [{ ...good, container: 'none' }, /^InvalidParameterException: The container .* was not found/],
      [{ ...good, command: '"' }, /^InvalidParameterException: The command/],
      [{ ...good, cluster: 'none' }, /^ClusterNotFoundException/],
      [
        { ...good, task: other.tasks[0]?.taskArn },
        /^InvalidParameterException: .* was not enabled when the task was run/,
      ],
    ];
    for (const [input, words] of cases) assert.match(await fargate.refusal('ecs', 'ExecuteCommand', input), words);
  });
});
