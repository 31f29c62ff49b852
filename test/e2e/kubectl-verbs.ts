import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, isReady, type Stage } from './harness.ts';
import { hashOf, KubectlProcess, type KubectlResult, noise, type Transport } from './kubectl-process.ts';
import { KubectlTerminal } from './kubectl-terminal.ts';

const manyBytes = 100 * 2 ** 20;

const servers = ['echo page >/index.html', 'httpd -p 127.0.0.1:8082', 'nc -ll -p 8080 -e cat &', 'sleep 100000'];
const answers = 'while read x; do echo got $x; done';

/** One kubectl, how it speaks, and a pod of its own that it attaches to: that one's input comes only once. */
export interface Trial {
  readonly stage: Stage;
  readonly transport: Transport;
  readonly reader: string;
}

/** Starts the pods of the trials, and one for all of them, `p`. */
export async function startTargets(stage: Stage, trials: readonly Trial[]): Promise<void> {
  const readers = trials.map(({ reader }) => reader);
  await cluster.apply([
    stage.pod('p', {
      containers: [
        { name: 'c', image: 'busybox', command: ['sh', '-c', servers.join('\n')] },
        { name: 'other', image: 'busybox', command: ['sleep', '100000'] },
      ],
    }),
    ...readers.map((name) =>
      stage.pod(name, {
        containers: [
          {
            name: 'plain',
            image: 'busybox',
            stdin: true,
            stdinOnce: true,
            command: ['sh', '-c', `${answers}; exec sleep 100000`],
          },
          { name: 'terminal', image: 'busybox', stdin: true, tty: true, command: ['sh', '-c', answers] },
          {
            name: 'pipe',
            image: 'busybox',
            stdin: true,
            stdinOnce: true,
            command: ['sh', '-c', 'cat; exec sleep 100000'],
          },
        ],
      }),
    ),
  ]);
  await Promise.all(['p', ...readers].map((name) => stage.untilPod(name, 'ready', isReady)));
}

/** Every verb that reaches a node, on the pods of `startTargets`; and that it reached it over that transport. */
export async function tryVerbs(context: TestContext, trial: Trial): Promise<void> {
  const kit = new Kit(trial);
  const { logFile } = trial.stage;
  const logged = statSync(logFile).size;
  await execTests(context, kit);
  await terminalTests(context, kit);
  await attachTests(context, kit);
  await debugTests(context, kit);
  await copyTests(context, kit);
  await portForwardTests(context, kit);
  await logsTests(context, kit);
  await context.test('and it was over that transport', () => {
    const log = readFileSync(logFile).subarray(logged).toString();
    const spoken = new Set(Array.from(log.matchAll(/"over":"([^"]+)"/g), ([, over]) => over?.toLowerCase()));
    assert.deepEqual([...spoken], [trial.transport.name === 'spdy' ? 'spdy/3.1' : 'websocket']);
  });
}

class Kit {
  readonly stage: Stage;
  readonly transport: Transport;
  readonly reader: string;

  constructor({ stage, transport, reader }: Trial) {
    this.stage = stage;
    this.transport = transport;
    this.reader = reader;
  }

  start(...args: readonly string[]): KubectlProcess {
    return new KubectlProcess(['--namespace', this.stage.namespace, ...args], this.transport);
  }

  terminal(...args: readonly string[]): KubectlTerminal {
    return new KubectlTerminal(this.stage, this.transport, args);
  }

  async exec(script: string, input?: string): Promise<KubectlResult> {
    const flags = input === undefined ? [] : ['-i'];
    return await this.start('exec', ...flags, 'p', '-c', 'c', '--', 'sh', '-c', script).end(input);
  }
}

async function execTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('exec keeps stdout and stderr apart and gives exit codes', async () => {
    const { code, stdout, stderr } = await kit.exec('echo out; echo err >&2');
    assert.deepEqual([code, stdout.toString(), stderr], [0, 'out\n', 'err\n']);
    const ended = await Promise.all(['exit 1', 'kill -9 $$'].map((script) => kit.exec(script)));
    assert.deepEqual(
      ended.map((result) => result.code),
      [1, 137],
    );
  });

  await context.test('exec of what cannot be run says why', async () => {
    const { code, stderr } = await kit.start('exec', 'p', '-c', 'c', '--', 'nosuch').end();
    assert.equal(code, 127);
    assert.match(stderr, /executable file not found/);
  });

  await context.test('exec chooses the container', async () => {
    const { stdout } = await kit.start('exec', 'p', '-c', 'other', '--', 'cat', '/index.html').end();
    assert.equal(stdout.toString(), '');
    assert.equal((await kit.exec('cat /index.html')).stdout.toString(), 'page\n');
  });

  await context.test('exec -i gives input to its end', async () => {
    const { code, stdout } = await kit.exec('wc -l; exit 3', 'a\nb\n');
    assert.deepEqual([code, stdout.toString().trim()], [3, '2']);
  });

  await context.test('exec -i carries 100 MiB both ways', async () => {
    const { sent, received } = await kit.start('exec', '-i', 'p', '-c', 'c', '--', 'cat').passThrough(manyBytes);
    assert.equal(received, sent);
  });

  await context.test('50 sessions at once', async () => {
    const sessions = Array.from({ length: 50 }, (_, index) =>
      kit.exec(`read x; echo $x; exit ${index % 3}`, `${index}\n`),
    );
    const results = await Promise.all(sessions);
    assert.deepEqual(
      results.map(({ code, stdout }) => `${code} ${stdout}`),
      results.map((_, index) => `${index % 3} ${index}\n`),
    );
  });

  await context.test('a command ends when kubectl is gone', async () => {
    const running = kit.start('exec', 'p', '-c', 'c', '--', 'sleep', '54321');
    const processes = async (): Promise<string> => (await kit.exec('ps')).stdout.toString();
    await waitFor(async () => (await processes()).includes('sleep 54321'), { what: 'sleep', timeoutMs: 10_000 });
    running.child.kill('SIGKILL');
    await waitFor(async () => !(await processes()).includes('sleep 54321'), { what: 'no sleep', timeoutMs: 10_000 });
  });
}

async function terminalTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('exec -it is a terminal that follows its size', async () => {
    const terminal = kit.terminal('exec', '-it', 'p', '-c', 'c', '--', 'sh');
    await terminal.until(/[#$] /);
    const untilSize = (size: string): Promise<boolean> =>
      waitFor(
        async () => {
          terminal.type('stty size\n');
          return terminal.text.includes(size);
        },
        { what: `the size ${size}`, timeoutMs: 15_000, intervalMs: 200 },
      );
    await untilSize('30 90');
    await terminal.resize('rows', 44);
    await untilSize('44 90');
    await terminal.resize('cols', 111);
    await untilSize('44 111');
    terminal.type('exit 5\n');
    assert.equal(await terminal.ended, 5);
  });
}

async function attachTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('attach speaks to the process and leaves it running', async () => {
    const name = kit.reader;
    const plain = kit.start('attach', '-i', name, '-c', 'plain').listen();
    plain.child.stdin.write('hello\n');
    await waitFor(async () => plain.stdout.includes('got hello'), { what: 'an answer', timeoutMs: 10_000 });
    plain.child.kill();
    await plain.ended();
    for (const word of ['one', 'two']) {
      const terminal = kit.terminal('attach', '-it', name, '-c', 'terminal');
      await terminal.until(/press|command prompt|see/i);
      terminal.type(`${word}\n`);
      await terminal.until(new RegExp(`got ${word}`));
      await terminal.leave();
    }
    const pod = await kit.stage.getPod(name);
    assert.deepEqual(
      pod?.status?.containerStatuses?.map(({ restartCount }) => restartCount),
      [0, 0, 0],
    );
  });

  await context.test('attach -i carries 100 MiB both ways', async () => {
    const attached = kit.start('attach', '-i', kit.reader, '-c', 'pipe');
    const sent = createHash('sha256');
    const received = hashOfFirst(attached.child.stdout, manyBytes);
    await pipeline(noise(manyBytes, sent), attached.child.stdin);
    assert.equal(await received, sent.digest('hex'));
    attached.child.kill();
    await attached.ended();
  });
}

/** Reads no further: who attaches stays until the container ends. */
async function hashOfFirst(stream: Readable, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  let left = bytes;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  return hash.digest('hex');
}

async function debugTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('debug -it starts a container beside the others that sees their processes', async () => {
    const name = `debug-of-${kit.reader}`;
    const terminal = kit.terminal(
      ...['debug', '-it', 'p', '--image=busybox', '--target=c', `--container=${name}`, '--', 'sh'],
    );
    await terminal.until(/[#$] /);
    terminal.type('ps; echo pid $$\n');
    await terminal.until(/httpd[\s\S]*pid \d+/);
    assert.doesNotMatch(terminal.text, /pid 1\b/);
    terminal.type('exit 4\n');
    await terminal.ended;
    const pod = await kit.stage.untilPod('p', 'without debug', ({ status }) =>
      Boolean(status?.ephemeralContainerStatuses?.find((each) => each.name === name)?.state?.terminated),
    );
    const status = pod.status?.ephemeralContainerStatuses?.find((each) => each.name === name);
    assert.deepEqual([status?.state?.terminated?.exitCode, status?.restartCount, pod.status?.phase], [4, 0, 'Running']);
    const restarts = pod.status?.containerStatuses?.map(({ restartCount }) => restartCount);
    assert.ok(restarts?.every((count) => count === 0));
  });
}

async function copyTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('cp copies 100 MiB both ways', async () => {
    const [there, back] = ['there', 'back'].map((name) => join(kit.stage.rootDir, name)) as [string, string];
    const sent = createHash('sha256');
    await pipeline(noise(manyBytes, sent), createWriteStream(there));
    for (const paths of [
      [there, 'p:/tmp/copy'],
      ['p:/tmp/copy', back],
    ]) {
      const { code, stderr } = await kit.start('cp', '-c', 'c', ...paths).end();
      assert.equal(code, 0, stderr);
    }
    assert.equal(await hashOf(createReadStream(back)), sent.digest('hex'));
  });
}

async function portForwardTests(context: TestContext, kit: Kit): Promise<void> {
  const forwarded = kit.start('port-forward', 'pod/p', ':8080', ':8082').listen();
  try {
    await waitFor(async () => forwarded.stdout.includes('-> 8080') && forwarded.stdout.includes('-> 8082'), {
      what: 'port-forward to listen',
      timeoutMs: 15_000,
    });
    const localPort = (port: number): number =>
      Number(new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${port}`).exec(forwarded.stdout)?.[1]);

    await context.test('port-forward reaches who listens on loopback only', async () => {
      assert.match(await get(localPort(8082)), /^page$/m);
    });

    await context.test('port-forward carries 40 connections at once', async () => {
      const pages = await Promise.all(Array.from({ length: 40 }, () => get(localPort(8082))));
      for (const page of pages) assert.match(page, /^page$/m);
    });

    await context.test('port-forward ends each direction by itself', async () => {
      const socket = dial(localPort(8080));
      const said = buffer(socket);
      socket.end('last words');
      assert.equal((await said).toString(), 'last words');
    });

    await context.test('port-forward carries 100 MiB both ways', async () => {
      const socket = dial(localPort(8080));
      const sent = createHash('sha256');
      const [received] = await Promise.all([hashOf(socket), pipeline(Readable.from(noise(manyBytes, sent)), socket)]);
      assert.equal(received, sent.digest('hex'));
    });
  } finally {
    forwarded.child.kill();
    await forwarded.ended();
  }

  await context.test('port-forward to a port where nobody listens says so', async () => {
    const failing = kit.start('port-forward', 'pod/p', ':9').listen();
    try {
      await waitFor(async () => failing.stdout.includes('-> 9'), { what: 'port-forward to listen', timeoutMs: 15_000 });
      const socket = dial(Number(/127\.0\.0\.1:(\d+) -> 9/.exec(failing.stdout)?.[1]));
      socket.on('error', () => {});
      socket.resume();
      await waitFor(async () => /ECONNREFUSED/.test(failing.stderr), { what: 'the reason', timeoutMs: 10_000 });
    } finally {
      failing.child.kill();
      await failing.ended();
    }
  });
}

async function logsTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('logs --follow gives what is written while it reads', async () => {
    const word = `written for ${kit.reader}`;
    const following = kit.start('logs', 'p', '-c', 'c', '--follow').listen();
    await kit.exec(`echo ${word} >/proc/1/fd/1`);
    await waitFor(async () => following.stdout.includes(word), { what: 'the line', timeoutMs: 10_000 });
    following.child.kill();
    await following.ended();
  });
}

function dial(port: number): Socket {
  return connect({ host: '127.0.0.1', port, allowHalfOpen: true });
}

async function get(port: number): Promise<string> {
  const socket = dial(port);
  socket.write('GET /index.html HTTP/1.0\r\n\r\n');
  const page = await buffer(socket);
  socket.end();
  return page.toString();
}
