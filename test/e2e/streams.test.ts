import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../cluster/run-command.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, isReady, kubectl, Stage } from './harness.ts';
import {
  hashOf,
  KubectlProcess,
  type KubectlResult,
  noise,
  runInside,
  type Transport,
  transports,
} from './kubectl-process.ts';

const servers = ['echo page >/index.html', 'httpd -p 127.0.0.1:8082', 'nc -ll -p 8080 -e cat &', 'sleep 100000'].join(
  '\n',
);

const manyBytes = 100 * 2 ** 20;

test('kubectl gets into pods', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([
    stage.pod('p', {
      containers: [
        { name: 'c', image: 'busybox', command: ['sh', '-c', servers] },
        { name: 'other', image: 'busybox', command: ['sleep', '100000'] },
      ],
    }),
    stage.pod('reader', {
      containers: [
        {
          name: 'plain',
          image: 'busybox',
          stdin: true,
          stdinOnce: true,
          command: ['sh', '-c', 'while read x; do echo got $x; done; exec sleep 100000'],
        },
        {
          name: 'terminal',
          image: 'busybox',
          stdin: true,
          tty: true,
          command: ['sh', '-c', 'while read x; do echo got $x; done'],
        },
      ],
    }),
  ]);
  await Promise.all(['p', 'reader'].map((name) => stage.untilPod(name, 'ready', isReady)));
  for (const transport of transports) {
    await context.test(`over ${transport.name}`, async (of) => {
      const kit = new Kit(stage, transport);
      await execTests(of, kit);
      await copyTests(of, kit);
      await portForwardTests(of, kit);
      await of.test('and it was over that transport', () => {
        const log = readFileSync(stage.logFile, 'utf8');
        assert.match(log, transport.name === 'spdy' ? /SPDY\/3\.1/i : /websocket/i);
      });
    });
  }
  await context.test('attach speaks to the process and leaves it running', async () => {
    const kit = new Kit(stage, transports[0] as Transport);
    const plain = kit.start('attach', '-i', 'reader', '-c', 'plain').listen();
    plain.child.stdin.write('hello\n');
    await waitFor(async () => plain.stdout.includes('got hello'), { what: 'an answer', timeoutMs: 10_000 });
    plain.child.kill();
    await plain.ended();
    for (const word of ['one', 'two']) {
      const terminal = new Terminal(kit, ['attach', '-it', 'reader', '-c', 'terminal']);
      await terminal.until(/press|command prompt|see/i);
      terminal.type(`${word}\n`);
      await terminal.until(new RegExp(`got ${word}`));
      terminal.child.kill();
      await once(terminal.child, 'close');
    }
    const pod = await stage.getPod('reader');
    assert.deepEqual(
      pod?.status?.containerStatuses?.map(({ restartCount }) => restartCount),
      [0, 0],
    );
  });
});

class Kit {
  readonly stage: Stage;
  readonly transport: Transport;

  constructor(stage: Stage, transport: Transport) {
    this.stage = stage;
    this.transport = transport;
  }

  start(...args: readonly string[]): KubectlProcess {
    return new KubectlProcess(['--namespace', this.stage.namespace, ...args], this.transport);
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
    assert.equal((await kit.exec('exit 1')).code, 1);
    assert.equal((await kit.exec('kill -9 $$')).code, 137);
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

  await context.test('exec -it is a terminal that follows its size', async () => {
    const terminal = new Terminal(kit, ['exec', '-it', 'p', '-c', 'c', '--', 'sh']);
    await terminal.until(/[#$] /);
    terminal.type('stty size\n');
    await terminal.until(/30 90/);
    await terminal.resize(44, 111);
    await waitFor(
      async () => {
        terminal.type('stty size\n');
        await new Promise((resolve) => setTimeout(resolve, 200));
        return terminal.text.includes('44 111');
      },
      { what: 'the new size', timeoutMs: 10_000 },
    );
    terminal.type('exit 5\n');
    assert.equal(await terminal.ended, 5);
  });

  await context.test('a command ends when kubectl is gone', async () => {
    const running = kit.start('exec', 'p', '-c', 'c', '--', 'sleep', '54321');
    const processes = async (): Promise<string> => (await kit.exec('ps')).stdout.toString();
    await waitFor(async () => (await processes()).includes('sleep 54321'), { what: 'sleep', timeoutMs: 10_000 });
    running.child.kill('SIGKILL');
    await waitFor(async () => !(await processes()).includes('sleep 54321'), { what: 'no sleep', timeoutMs: 10_000 });
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
}

async function copyTests(context: TestContext, kit: Kit): Promise<void> {
  await context.test('cp copies both ways', async () => {
    const [there, back] = ['there', 'back'].map((name) => join(kit.stage.rootDir, name)) as [string, string];
    const content = randomBytes(20 * 2 ** 20);
    writeFileSync(there, content);
    for (const paths of [
      [there, 'p:/tmp/copy'],
      ['p:/tmp/copy', back],
    ]) {
      const { code, stderr } = await kit.start('cp', '-c', 'c', ...paths).end();
      assert.equal(code, 0, stderr);
    }
    assert.ok(readFileSync(back).equals(content));
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

/** kubectl at a terminal of 30 rows and 90 columns. */
class Terminal {
  readonly child: ReturnType<typeof runInside>;
  readonly ended: Promise<number | null>;
  readonly #deviceFile: string;
  text = '';

  constructor({ stage, transport }: Kit, args: readonly string[]) {
    this.#deviceFile = join(stage.rootDir, `terminal-${randomBytes(4).toString('hex')}`);
    const command = ['kubectl', '--namespace', stage.namespace, ...args].join(' ');
    const script = `tty >${this.#deviceFile}; stty rows 30 cols 90; exec ${command}`;
    this.child = runInside(['script', '--quiet', '--return', '--command', script, '/dev/null'], transport.environment);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
    this.child.stderr.resume();
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  async until(pattern: RegExp): Promise<void> {
    try {
      await waitFor(async () => pattern.test(this.text), { what: `${pattern}`, timeoutMs: 15_000 });
    } catch (error) {
      throw new Error(`the terminal shows ${JSON.stringify(this.text)}`, { cause: error });
    }
  }

  async resize(rows: number, columns: number): Promise<void> {
    const device = readFileSync(this.#deviceFile, 'utf8').trim();
    await runCommand(['stty', '-F', device, 'rows', `${rows}`, 'cols', `${columns}`]);
  }
}

test('nobody gets into a container that does not run', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [{ name: 'c', image: 'no-such-image:1' }] })]);
  await stage.untilPod('p', 'waiting', (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined);
  await assert.rejects(
    kubectl('exec', 'p', '--namespace', stage.namespace, '--', 'true'),
    /container not found \("c"\)/,
  );
});
