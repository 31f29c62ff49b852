import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../support/clock.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import {
  type CommandClient,
  commandPath,
  spdyCommand,
  upgrade,
  type Wanted,
  webSocketCommand,
} from './testing/command-client.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { processProvider } from './testing/process-provider.ts';
import { SpdyClient } from './testing/spdy-client.ts';
import { standingStill, until } from './testing/until.ts';

const clock = new FakeClock();
const { parts, record } = processProvider();
let kubelet: TestKubeletApi;
before(async () => {
  const timeouts = { idleMs: 4 * 3_600_000, creationMs: 30_000, clock };
  kubelet = await TestKubeletApi.start({ provider: testProvider(parts), timeouts });
  const web = testPod('web');
  kubelet.pods.add(web, runningObserved(web));
  kubelet.pods.add(testPod('starting'), { ...runningObserved(testPod('starting')), containers: [] });
});
after(() => kubelet.stop());

const success = { metadata: {}, status: 'Success' };
const exitCodeOf = (status: string): string => JSON.parse(status).details?.causes?.[0]?.message;

interface Transport {
  readonly name: string;
  /** Can tell the end of input by itself. */
  readonly halfClose: boolean;
  readonly jsonStatus: boolean;
  readonly open: (path: string, wanted: Wanted) => Promise<CommandClient>;
}

const overSpdy = (protocol: string): Transport => ({
  name: `SPDY ${protocol}`,
  halfClose: true,
  jsonStatus: protocol.startsWith('v4'),
  open: (path, wanted) => spdyCommand(kubelet, path, wanted, protocol),
});
const overWebSocket = (protocol: string): Transport => ({
  name: `WebSocket ${protocol || 'without a protocol'}`,
  halfClose: protocol.startsWith('v5'),
  jsonStatus: /^v[45]/.test(protocol),
  open: (path, wanted) => webSocketCommand(kubelet, path, wanted, protocol),
});

/** Those that can resize a terminal. */
const ofTerminals = [
  ...['v4.channel.k8s.io', 'v3.channel.k8s.io'].map(overSpdy),
  ...['v5.channel.k8s.io', 'v4.channel.k8s.io'].map(overWebSocket),
];
/** Those of kubectl, old and new. */
const ofKubectl = [overSpdy('v4.channel.k8s.io'), overWebSocket('v5.channel.k8s.io')];
const transports = [
  ...ofTerminals,
  ...['v2.channel.k8s.io', 'channel.k8s.io'].map(overSpdy),
  ...['v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', ''].map(overWebSocket),
];

for (const transport of transports) {
  describe(`exec over ${transport.name}`, () => {
    const run = (command: readonly string[], wanted: Wanted = {}): Promise<CommandClient> =>
      transport.open(commandPath('/exec/default/web/app', command, wanted), wanted);

    test('keeps stdout and stderr apart and says that all went well', async () => {
      const client = await run(['sh', '-c', 'printf out; printf err >&2']);
      await client.done();
      assert.equal(client.stdout().toString(), 'out');
      assert.equal(client.stderr().toString(), 'err');
      if (transport.jsonStatus) assert.deepEqual(JSON.parse(client.status()), success);
      else assert.equal(client.status(), '');
    });

    for (const code of [1, 3, 137]) {
      test(`tells exit code ${code}`, async () => {
        const client = await run(['sh', '-c', `exit ${code}`]);
        await client.done();
        if (transport.jsonStatus) assert.equal(exitCodeOf(client.status()), `${code}`);
        else assert.equal(client.status(), `command terminated with non-zero exit code: ${code}`);
      });
    }

    test('passes words on as they are, binary output too', async () => {
      const words = ['printf', '%s|', 'a b', "'", '$HOME', 'ü', '', '&command=x'];
      const client = await run(words);
      await client.done();
      assert.equal(
        client.stdout().toString(),
        words
          .slice(2)
          .map((word) => `${word}|`)
          .join(''),
      );
    });

    test('says why a command cannot be run', async () => {
      const client = await run(['no-such-command']);
      await client.done();
      const words = /error executing command in container: cannot run no-such-command: .*ENOENT/;
      assert.match(transport.jsonStatus ? JSON.parse(client.status()).message : client.status(), words);
    });

    test('is input, output and the end of a conversation', async () => {
      const client = await run(['sh', '-c', 'while read line; do echo "<$line>"; [ "$line" = bye ] && exit 4; done'], {
        stdin: true,
      });
      await client.send('hello\n');
      await until(() => client.stdout().toString() === '<hello>\n');
      await client.send('bye\n');
      await client.done();
      assert.equal(client.stdout().toString(), '<hello>\n<bye>\n');
    });

    test('tells the command that the client has gone', async () => {
      const before = record.aborted;
      const client = await run(['sleep', '60'], { stdin: true });
      await until(() => record.running > 0);
      client.destroy();
      await until(() => record.aborted === before + 1 && record.running === 0);
    });

    // The versions differ in words; bytes go one way for all.
    if (!/SPDY v4|v5|v4.base64/.test(transport.name)) return;

    test('carries 20 MiB both ways unchanged', async () => {
      const bytes = randomBytes(20 * 1024 * 1024);
      const command = transport.halfClose ? ['cat'] : ['head', '-c', `${bytes.length}`];
      const client = await run(command, { stdin: true });
      for (let at = 0; at < bytes.length; at += 100_000) await client.send(bytes.subarray(at, at + 100_000));
      if (transport.halfClose) client.endInput();
      await client.done();
      const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
      assert.equal(hash(client.stdout()), hash(bytes));
    });

    test('a client that does not read stops the command', async () => {
      const client = await run(['sh', '-c', 'yes | head -c 60000000'], { countOnly: true });
      await until(() => client.stdoutBytes() > 0);
      client.pause();
      await standingStill(() => client.stdoutBytes());
      const memory = process.memoryUsage().rss;
      await systemClock.sleep(300);
      assert.ok(process.memoryUsage().rss - memory < 20 * 1024 * 1024);
      client.resume();
      await client.done();
      assert.equal(client.stdoutBytes(), 60_000_000);
    });

    test('a command that does not read stops the client', async () => {
      const client = await run(['sleep', '60'], { stdin: true });
      let sent = 0;
      let stop = false;
      const sending = (async () => {
        while (!stop) {
          await client.send(Buffer.alloc(64 * 1024));
          sent += 64 * 1024;
        }
      })();
      const before = await standingStill(() => sent);
      assert.ok(before < 16 * 1024 * 1024, `${before} bytes were taken for nobody`);
      stop = true;
      client.destroy();
      void sending;
      // The connection is not read, so its end shows when we give a sign of life.
      await until(async () => {
        await clock.advance(10_000);
        return record.running === 0;
      });
    });
  });
}

describe('a terminal', () => {
  for (const transport of ofTerminals) {
    test(`tells its sizes over ${transport.name}`, async () => {
      record.sizes.length = 0;
      const wanted = { stdin: true, tty: true };
      const client = await transport.open(commandPath('/exec/default/web/app', ['cat'], wanted), wanted);
      client.resize(80, 24);
      await until(() => record.sizes.length === 1);
      client.resize(132, 43);
      await until(() => record.sizes.length === 2);
      assert.deepEqual(record.sizes, [
        { width: 80, height: 24 },
        { width: 132, height: 43 },
      ]);
      client.destroy();
      await until(() => record.running === 0);
    });
  }
});

describe('attach', () => {
  for (const transport of ofTerminals) {
    test(`joins the process over ${transport.name}`, async () => {
      const wanted = { stdin: true };
      const client = await transport.open(commandPath('/attach/default/web/uid-web/app', [], wanted), wanted);
      await client.send('hello');
      await until(() => client.stdout().toString() === 'hello');
      if (transport.halfClose) {
        client.endInput();
        await client.done();
        if (transport.jsonStatus) assert.deepEqual(JSON.parse(client.status()), success);
      } else client.destroy();
    });
  }
});

describe('fifty sessions at once', () => {
  for (const transport of ofKubectl) {
    test(`over ${transport.name} do not mix`, async () => {
      const one = async (number: number): Promise<void> => {
        const wanted = { stdin: true };
        const command = ['sh', '-c', `read line; echo "${number} $line"; exit ${number}`];
        const client = await transport.open(commandPath('/exec/default/web/app', command, wanted), wanted);
        await client.send(`line of ${number}\n`);
        await client.done();
        assert.equal(client.stdout().toString(), `${number} line of ${number}\n`);
        if (number > 0) assert.equal(exitCodeOf(client.status()), `${number}`);
      };
      await Promise.all(Array.from({ length: 50 }, (_, number) => one(number)));
    });
  }
});

describe('what is refused before anything is run', () => {
  const good = '/exec/default/web/app?command=true&output=1';
  const spdy = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
  const webSocket = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'v5.channel.k8s.io',
  };
  const table: readonly [name: string, path: string, headers: Record<string, string | string[]>, words: RegExp][] = [
    [
      'no stream at all',
      '/exec/default/web/app?command=true',
      spdy,
      /^Error: 400 you must specify at least 1 of stdin/,
    ],
    ['no command', '/exec/default/web/app?output=1', spdy, /^Error: 400 you must specify a command/],
    ['an unknown pod', '/exec/default/none/app?command=true&output=1', spdy, /^Error: 404 pod does not exist/],
    ['a pod of another UID', '/exec/default/web/other/app?command=true&output=1', spdy, /^Error: 404 pod not found/],
    [
      'an unknown container',
      '/exec/default/web/none?command=true&output=1',
      spdy,
      /^Error: 404 container not found \("none"\)/,
    ],
    [
      'a container that does not run',
      '/exec/default/starting/app?command=true&output=1',
      spdy,
      /^Error: 404 container not found \("app"\)/,
    ],
    [
      'a path in place of a name',
      '/exec/default/web/..%2Fapp?command=true&output=1',
      spdy,
      /^Error: 400 "..\/app" cannot be/,
    ],
    ['another upgrade', good, { upgrade: 'h2c' }, /^Error: 400 Upgrade request required/],
    [
      'SPDY without a protocol',
      good,
      { upgrade: 'SPDY/3.1' },
      /^Error: 400 unable to upgrade: header X-Stream-Protocol/,
    ],
    [
      'SPDY with none of our protocols',
      good,
      { ...spdy, 'x-stream-protocol-version': ['v9.channel.k8s.io', 'x'] },
      /^Error: 403 unable to upgrade: unable to negotiate protocol: client supports \[v9.channel.k8s.io x\], server accepts/,
    ],
    [
      'a WebSocket with none of our protocols',
      good,
      { ...webSocket, 'sec-websocket-protocol': 'chat' },
      /^Error: 400 requested protocol\(s\) are not supported: \[chat\]/,
    ],
    [
      'a WebSocket of another version',
      good,
      { ...webSocket, 'sec-websocket-version': '8' },
      /^Error: 400 not a WebSocket/,
    ],
    [
      'a WebSocket without a key',
      good,
      { ...webSocket, 'sec-websocket-key': 'x' },
      /^Error: 400 not a WebSocket handshake/,
    ],
    ['attach to an unknown container', '/attach/default/web/none?output=1', spdy, /^Error: 404 container not found/],
  ];
  for (const [name, path, headers, words] of table) {
    test(name, async () => {
      await assert.rejects(upgrade(kubelet, path, headers, headers['upgrade'] === 'websocket' ? 'GET' : 'POST'), words);
    });
  }

  test('a request that asks for no upgrade', async () => {
    const answer = await kubelet.get(good);
    assert.deepEqual([answer.status, answer.text], [400, 'Upgrade request required']);
  });

  test('a caller who is not known, by either transport', async () => {
    const anonymous = Object.assign(Object.create(kubelet), {
      options: (more: object) => kubelet.options({ ...more, as: 'nobody' }),
    });
    await assert.rejects(upgrade(anonymous, good, spdy), /^Error: 401 Unauthorized/);
    await assert.rejects(upgrade(anonymous, good, webSocket, 'GET'), /^Error: 401 Unauthorized/);
  });

  test('a caller without the right', async () => {
    kubelet.api.allows = () => false;
    const other = await kubelet.authority.issue({ user: 'eve' });
    const asEve = Object.assign(Object.create(kubelet), {
      options: (more: object) => kubelet.options({ ...more, as: other }),
    });
    await assert.rejects(upgrade(asEve, good, spdy), /^Error: 403 Forbidden \(user=eve, verb=create, .*\[proxy\]\)/);
    kubelet.api.allows = () => true;
  });

  test('an upgrade of a path that knows none is answered as ever', async () => {
    await assert.rejects(upgrade(kubelet, '/healthz', spdy, 'GET'), /^Error: 200 ok/);
  });

  test('nothing was run', () => assert.equal(record.running, 0));
});

test('a client that does not open its streams within thirty seconds is cut, and nothing is run', async () => {
  const before = record.running;
  const path = commandPath('/exec/default/web/app', ['cat'], { stdin: true });
  const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
  const socket = await upgrade(kubelet, path, headers);
  const client = new SpdyClient(socket);
  const error = await client.open({ streamType: 'error' });
  await until(() => error.replied);
  await clock.advance(29_000);
  assert.equal(socket.destroyed, false);
  await clock.advance(2000);
  await until(() => socket.destroyed || socket.readableEnded);
  socket.destroy();
  assert.equal(record.running, before);
});

for (const transport of ofKubectl) {
  test(`a session over ${transport.name} in which nothing is said for four hours ends, and its command with it`, async () => {
    const wanted = { stdin: true };
    const client = await transport.open(commandPath('/exec/default/web/app', ['cat'], wanted), wanted);
    for (const word of ['one', 'onetwo']) {
      await client.send(word.slice(-3));
      await until(() => client.stdout().toString() === word);
      await clock.advance(4 * 3_600_000 - 60_000);
      assert.equal(record.running, 1);
    }
    await clock.advance(120_000);
    await until(() => record.running === 0);
    client.destroy();
  });
}

for (const [name, open] of [
  ['SPDY', spdyCommand],
  ['WebSocket', webSocketCommand],
] as const) {
  test(`when the node shuts down, a session over ${name} is told so`, async () => {
    const own = processProvider();
    const ending = await TestKubeletApi.start({ provider: testProvider(own.parts) });
    ending.pods.add(testPod('web'), runningObserved(testPod('web')));
    const wanted = { stdin: true };
    const client = await open(ending, commandPath('/exec/default/web/app', ['sleep', '60'], wanted), wanted);
    await until(() => own.record.running === 1);
    const stopped = ending.stop();
    await client.done();
    await stopped;
    assert.equal(own.record.running, 0);
    assert.equal(exitCodeOf(client.status()), '137');
  });
}
