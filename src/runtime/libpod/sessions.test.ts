import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import type { SessionStreams } from '../sessions.ts';
import { LibpodClient } from './client.ts';
import type { LibpodRuntime } from './libpod-runtime.ts';
import { noPodman, PodmanService, waitFor } from './testing/podman-service.ts';
import { owner, sandboxSpec, TestSandbox } from './testing/specs.ts';

/** Takes what comes and counts it. */
class Sink extends Writable {
  readonly #parts: Buffer[] = [];
  readonly hash = createHash('sha256');
  bytes = 0;
  /** Nothing is taken while this is pending. */
  gate: Promise<void> = Promise.resolve();

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    void this.gate.then(() => {
      this.bytes += chunk.length;
      this.hash.update(chunk);
      if (this.bytes < 10_000) this.#parts.push(chunk);
      done();
    });
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString();
  }
}

interface TestStreams extends SessionStreams {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly signal: AbortSignal;
}

async function* nothing(): AsyncGenerator<never> {}

describe('sessions at containers of a real Podman', { skip: noPodman, timeout: 180_000 }, () => {
  const { signal } = new AbortController();
  const options = { signal };
  let service: PodmanService;
  let runtime: LibpodRuntime;
  let sandbox: TestSandbox;
  let id: string;

  before(async () => {
    service = await PodmanService.start();
    runtime = service.runtime();
    const image = await runtime.findImage('busybox', options);
    assert.ok(image);
    const { id: sandboxId } = await runtime.runSandbox(sandboxSpec('web'), options);
    sandbox = new TestSandbox(runtime, { id: sandboxId, imageId: image.id, signal });
    id = await sandbox.run('sleep 100000');
  });
  after(() => service?.[Symbol.asyncDispose]());

  const streams = (more: Partial<TestStreams> = {}): TestStreams => ({
    stdin: undefined,
    stdout: new Sink(),
    stderr: new Sink(),
    resizes: nothing(),
    signal,
    ...more,
  });
  const shell = async (script: string, more: Partial<TestStreams> & { tty?: boolean } = {}) => {
    const { tty = false, ...rest } = more;
    const session = streams(rest);
    const result = await runtime.runCommand(id, { command: ['sh', '-c', script], tty }, session);
    return { ...result, stdout: session.stdout.text, stderr: session.stderr.text };
  };

  for (const { name, script, is } of [
    {
      name: 'stdout and stderr come apart',
      script: 'echo out; echo err >&2',
      is: { exitCode: 0, stdout: 'out\n', stderr: 'err\n' },
    },
    { name: 'an exit code comes through', script: 'exit 7', is: { exitCode: 7, stdout: '', stderr: '' } },
    { name: 'a killed command has 137', script: 'kill -9 $$', is: { exitCode: 137, stdout: '', stderr: '' } },
  ]) {
    test(name, async () => assert.deepEqual(await shell(script), is));
  }

  for (const [command, exitCode, says] of [
    ['nosuch', 127, /executable file not found/],
    ['/etc', 126, /permission denied/],
  ] as const) {
    for (const stdin of [undefined, () => Readable.from(['x'])]) {
      test(`${command} as a command ends with ${exitCode} and says why, ${stdin ? 'with' : 'without'} input`, async () => {
        const session = streams({ stdin: stdin?.() });
        const result = await runtime.runCommand(id, { command: [command], tty: false }, session);
        assert.equal(result.exitCode, exitCode);
        assert.match(session.stderr.text, says);
      });
    }
  }

  test('a command has the environment, folder and rights of its container, with input and without', async () => {
    const other = await sandbox.run('sleep 100000', { env: { COLOUR: 'blue' }, workingDir: '/tmp', user: '5:6' });
    const script = 'echo $COLOUR $PATH; pwd; id -u; id -g; grep -E "^(Cap|Seccomp|NoNew)" /proc/self/status';
    const outputs = await Promise.all(
      [undefined, Readable.from([])].map(async (stdin) => {
        const session = streams({ stdin });
        await runtime.runCommand(other, { command: ['sh', '-c', script], tty: false }, session);
        return session.stdout.text;
      }),
    );
    assert.equal(outputs[0], outputs[1]);
    assert.match(outputs[0] ?? '', /^blue \/\S*\n\/tmp\n5\n6\n/);
  });

  test('binary input reaches the command to its end, and comes back as it was', async () => {
    const input = randomBytes(5_000_000);
    const stdout = new Sink();
    const { exitCode } = await runtime.runCommand(
      id,
      { command: ['sh', '-c', 'cat; exit 3'], tty: false },
      streams({ stdin: Readable.from([input]), stdout }),
    );
    assert.equal(exitCode, 3);
    assert.equal(stdout.hash.digest('hex'), createHash('sha256').update(input).digest('hex'));
  });

  test('a command that ends before its input does has its exit code, and all its output', async () => {
    const endless = Readable.from(
      (async function* () {
        for (;;) yield randomBytes(65_536);
      })(),
    );
    for (let round = 0; round < 20; round++) {
      const { exitCode, stdout } = await shell('head -c 100000 >/dev/null; seq 1000; exit 3', { stdin: endless });
      assert.equal(exitCode, 3, `round ${round}`);
      assert.ok(stdout.endsWith('\n1000\n'), `round ${round}: ${stdout.slice(-20)}`);
    }
    endless.destroy();
  });

  test('stderr is the command’s alone where it ends before its input comes', async () => {
    for (let round = 0; round < 20; round++) {
      const { exitCode, stderr } = await shell('true', { stdin: Readable.from(['x\n']) });
      assert.deepEqual([exitCode, stderr], [0, ''], `round ${round}`);
    }
  });

  test('the bytes that Podman’s own client detaches by are bytes as any other', async () => {
    const stdin = new PassThrough();
    const stdout = new Sink();
    const ended = runtime.runCommand(id, { command: ['cat'], tty: false }, streams({ stdin, stdout }));
    stdin.write('\x10');
    await waitFor('ctrl-p is there', () => stdout.bytes === 1);
    stdin.end('\x11');
    assert.deepEqual(await ended, { exitCode: 0 });
    assert.equal(stdout.text, '\x10\x11');
  });

  test('a command may end though its input has not', async () => {
    const stdin = new PassThrough();
    stdin.write('first\nsecond\n');
    const { exitCode, stdout } = await shell('read line; echo $line; exit 2', { stdin });
    assert.deepEqual({ exitCode, stdout }, { exitCode: 2, stdout: 'first\n' });
    assert.equal(stdin.destroyed, false);
  });

  test('a terminal has a type, echoes, and follows its sizes', async () => {
    const stdin = new PassThrough();
    const sizes = new PassThrough({ objectMode: true });
    const stdout = new Sink();
    const ended = shell('echo $TERM; while read x; do stty size; done; exit 9', {
      tty: true,
      stdin,
      stdout,
      resizes: sizes,
    });
    sizes.write({ width: 101, height: 33 });
    await waitFor('the shell is there', () => stdout.text.includes('xterm'));
    const untilSize = (size: string) =>
      waitFor(`the size is ${size}`, async () => {
        stdin.write('\n');
        await new Promise((resolve) => setTimeout(resolve, 30));
        return stdout.text.includes(size);
      });
    await untilSize('33 101');
    sizes.write({ width: 55, height: 22 });
    await untilSize('22 55');
    stdin.write('\x04');
    assert.equal((await ended).exitCode, 9);
  });

  for (const stdin of [undefined, () => new PassThrough()]) {
    test(`a command ${stdin ? 'with' : 'without'} input is killed when nobody wants it any more`, async () => {
      const giveUp = new AbortController();
      // Its child is killed as well.
      const running = shell('sleep 7654 & sleep 7655', { signal: giveUp.signal, stdin: stdin?.() });
      const processes = async () => (await shell('ps')).stdout;
      await waitFor('the command runs', async () => (await processes()).match(/sleep 765[45]/g)?.length === 2);
      const reason = new Error('gone');
      giveUp.abort(reason);
      await assert.rejects(running, reason);
      await waitFor('it is gone', async () => !(await processes()).includes('sleep 765'));
    });
  }

  test('a reader that stalls holds up the command, and loses nothing', async () => {
    const stdout = new Sink();
    let open = (): void => {};
    stdout.gate = new Promise((resolve) => {
      open = resolve;
    });
    const script = 'dd if=/dev/zero bs=65536 count=640 2>/dev/null; echo done >&2; exit 6';
    const stderr = new Sink();
    const ended = runtime.runCommand(id, { command: ['sh', '-c', script], tty: false }, streams({ stdout, stderr }));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(stderr.text, '');
    assert.ok(stdout.writableLength < 2 ** 20, `${stdout.writableLength} bytes are held`);
    open();
    assert.deepEqual(await ended, { exitCode: 6 });
    assert.equal(stdout.bytes, 640 * 65536);
  });

  test('the exit code is known though the last output was not taken for long', async () => {
    const stdout = new Sink();
    let open = (): void => {};
    stdout.gate = new Promise((resolve) => {
      open = resolve;
    });
    const command = ['sh', '-c', 'head -c 200000 /dev/zero; exit 5'];
    const ended = runtime.runCommand(id, { command, tty: false }, streams({ stdout }));
    assert.deepEqual(await ended, { exitCode: 5 });
    open();
    stdout.end();
    await once(stdout, 'finish');
    assert.equal(stdout.bytes, 200_000);
  });

  test('30 commands at once each give their own exit code', async () => {
    const commands = Array.from({ length: 30 }, (_, index) => shell(`exit ${index}`));
    const codes = (await Promise.all(commands)).map(({ exitCode }) => exitCode);
    assert.deepEqual(codes, [...codes.keys()]);
  });

  test('only running containers run commands', async () => {
    const created = await sandbox.create(['true']);
    const request = { command: ['true'], tty: false };
    await assert.rejects(runtime.runCommand(created, request, streams()), (error) => hasCode(error, 'Conflict'));
    await assert.rejects(runtime.runCommand('nosuch', request, streams()), (error) => hasCode(error, 'NotFound'));
  });

  test('attached, one hears a container until it ends, streams apart', async () => {
    const other = await sandbox.run('sleep 1; echo out; echo err >&2; sleep 0.2');
    const session = streams();
    await runtime.attach(other, { tty: false }, session);
    assert.deepEqual([session.stdout.text, session.stderr.text], ['out\n', 'err\n']);
  });

  test('whoever attaches to one that ends meanwhile does not make it run again, and learns that it does not run', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'attach-'));
    t.after(() => rm(folder, { recursive: true }));
    const mounts = [{ kind: 'bind', source: folder, target: '/ran', readOnly: false }] as const;
    const ids = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const other = await sandbox.run(`echo once >>/ran/${index}; sleep 0.${index}; exit 3`, { mounts });
        const attachUntilEnd = async (): Promise<void> => {
          for (;;) await runtime.attach(other, { tty: false }, streams());
        };
        await assert.rejects(attachUntilEnd(), (error) => hasCode(error, 'Conflict'));
        assert.equal((await sandbox.ended(other)).exitCode, 3);
        await assert.rejects(runtime.startContainer(other, options), (error) => hasCode(error, 'Conflict'));
        return other;
      }),
    );
    for (const index of ids.keys()) assert.equal(await readFile(join(folder, String(index)), 'utf8'), 'once\n');
  });

  test('one that Podman has made ready for a second start has ended as it did, for a process that comes later too', async () => {
    const other = await sandbox.run('exit 3');
    const { finishedAtMs } = await sandbox.ended(other);
    const client = new LibpodClient(service.socketPath);
    const path = `/containers/${other}/attach`;
    const revive = async (): Promise<boolean> => {
      const request = { method: 'POST', path, query: { stream: true, stdout: true } } as const;
      // Not while Podman still cleans up after it.
      const connection = await client.connection(request, options).catch(() => undefined);
      connection?.destroy();
      return connection !== undefined;
    };
    await waitFor('Podman has made it ready', revive);
    for (const each of [runtime, service.runtime()]) {
      const listed = await each.listContainers({ ...owner }, options);
      for (const info of [await each.inspectContainer(other, options), listed.find(({ id: of }) => of === other)]) {
        assert.ok(info?.state.kind === 'exited', JSON.stringify(info?.state));
        assert.deepEqual([info.state.exitCode, info.state.finishedAtMs], [3, finishedAtMs]);
      }
      await assert.rejects(each.startContainer(other, options), (error) => hasCode(error, 'Conflict'));
    }
    await client.close();
  });

  test('attached with input, one speaks to a container', async () => {
    const other = await sandbox.run('while read x; do echo got $x; done; echo end', { stdin: true });
    const stdin = new PassThrough();
    const session = streams({ stdin });
    const ended = runtime.attach(other, { tty: false }, session);
    stdin.write('one\n');
    await waitFor('it answers', () => session.stdout.text === 'got one\n');
    stdin.end('two\n');
    await ended;
    assert.equal(session.stdout.text, 'got one\ngot two\nend\n');
  });

  test('who attaches to a terminal can leave and come back', async () => {
    const other = await sandbox.run('while read x; do echo got $x; done', { stdin: true, tty: true });
    for (const word of ['one', 'two']) {
      const leave = new AbortController();
      const stdin = new PassThrough();
      const session = streams({ stdin, signal: leave.signal });
      const ended = runtime.attach(other, { tty: true }, session);
      stdin.write(`${word}\n`);
      await waitFor('it answers', () => session.stdout.text.includes(`got ${word}`));
      leave.abort(new Error('left'));
      await assert.rejects(ended, /left/);
      assert.equal((await runtime.inspectContainer(other, options)).state.kind, 'running');
    }
  });

  describe('connections into a sandbox', () => {
    before(async () => {
      await sandbox.run(
        'echo page >/index.html; httpd -p 127.0.0.1:8082; nc -ll -p 8080 -e cat & while true; do echo hello | nc -l -p 8081; done',
      );
    });

    const connect = (port: number) => runtime.connect(sandbox.id, port, options);

    test('reach who listens on its loopback only', async () => {
      const socket = await untilConnected(() => connect(8082));
      socket.write('GET /index.html HTTP/1.0\r\n\r\n');
      assert.match((await buffer(socket)).toString(), /^page$/m);
    });

    test('end in each direction by itself', async () => {
      const input = randomBytes(3_000_000);
      const socket = await untilConnected(() => connect(8080));
      const output = buffer(socket);
      await pipeline(Readable.from([input]), socket);
      assert.ok((await output).equals(input));
    });

    test('bring what the server says first', async () => {
      const socket = await untilConnected(() => connect(8081));
      const said = buffer(socket);
      socket.end();
      assert.equal((await said).toString(), 'hello\n');
    });

    test('to a port where nobody listens are refused', async () => {
      await assert.rejects(connect(9), /ECONNREFUSED/);
    });

    test('are not to the machine’s own loopback', async () => {
      const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      await assert.rejects(connect(port), /ECONNREFUSED/);
      server.close();
    });

    test('into a sandbox that there is not do not come to be', async () => {
      await assert.rejects(runtime.connect('nosuch', 80, options), (error) => hasCode(error, 'NotFound'));
    });
  });
});

async function untilConnected(connect: () => Promise<unknown>): Promise<Socket> {
  let socket: Socket | undefined;
  await waitFor('somebody listens', async () => {
    socket = (await connect().catch(() => undefined)) as Socket | undefined;
    return socket !== undefined;
  });
  assert.ok(socket);
  return socket;
}
