import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { upgrade } from './testing/command-client.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { processProvider } from './testing/process-provider.ts';
import { type ClientStream, SpdyClient } from './testing/spdy-client.ts';
import { until } from './testing/until.ts';
import { webSocketTunnel } from './testing/websocket-tunnel.ts';

const clock = new FakeClock();
const targets: Server[] = [];
let kubelet: TestKubeletApi;
before(async () => {
  kubelet = await TestKubeletApi.start({
    provider: testProvider(processProvider().parts),
    timeouts: { idleMs: 4 * 3_600_000, creationMs: 30_000, clock },
  });
  const web = testPod('web');
  kubelet.pods.add(web, runningObserved(web));
});
after(async () => {
  await kubelet.stop();
  for (const target of targets) target.close();
});

/** Something to connect to in the pod. */
async function target(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  targets.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const echo = (): Promise<number> => target((socket) => socket.pipe(socket));

const path = '/portForward/default/web';
const spdyHeaders = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' };

function identity(): { cert?: string; key?: string } {
  return { cert: kubelet.admin.certificate, key: kubelet.admin.key };
}

async function overSpdy(): Promise<SpdyClient> {
  return new SpdyClient(await upgrade(kubelet, path, spdyHeaders));
}

async function overTunnel(): Promise<SpdyClient> {
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
  };
  return new SpdyClient(webSocketTunnel(await upgrade(kubelet, path, headers, 'GET')));
}

let requests = 0;
/** One forwarded connection, opened as kubectl does. */
async function open(client: SpdyClient, port: number | string): Promise<{ data: ClientStream; error: ClientStream }> {
  const headers = { port: `${port}`, requestID: `${++requests}` };
  const error = await client.open({ ...headers, streamType: 'error' });
  client.end(error);
  return { error, data: await client.open({ ...headers, streamType: 'data' }) };
}

for (const [name, connect] of [
  ['SPDY', overSpdy],
  ['SPDY in a WebSocket', overTunnel],
] as const) {
  describe(`port forwarding over ${name}`, () => {
    test('carries a conversation, and each side may end first', async () => {
      const port = await target((socket) => {
        socket.write('hello');
        let text = '';
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.on('end', () => socket.end(` ${text}`));
      });
      const client = await connect();
      const { data, error } = await open(client, port);
      await until(() => data.text() === 'hello');
      client.send(data, 'you');
      client.end(data);
      await Promise.all([data.done(), error.done()]);
      assert.equal(data.text(), 'hello you');
      assert.equal(error.text(), '');
      client.transport.destroy();
    });

    test('what the client says after the pod has ended still arrives', async () => {
      let text = '';
      let ended = false;
      const port = await target((socket) => {
        socket.end('bye');
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.on('end', () => {
          ended = true;
        });
      });
      const client = await connect();
      const { data, error } = await open(client, port);
      await data.done();
      assert.equal(data.text(), 'bye');
      // For old kubectls, that hang up when both have ended.
      await error.done();
      assert.equal(error.text(), '');
      client.send(data, Buffer.alloc(500_000, 'x'), true);
      await until(() => ended);
      assert.equal(text.length, 500_000);
      client.transport.destroy();
    });

    test('carries 20 MiB both ways unchanged, beside other connections', async () => {
      const client = await connect();
      const port = await echo();
      const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
      const one = async (megabytes: number): Promise<void> => {
        const bytes = randomBytes(megabytes * 1024 * 1024);
        const { data } = await open(client, port);
        for (let at = 0; at < bytes.length; at += 50_000) {
          if (!client.send(data, bytes.subarray(at, at + 50_000))) await once(client.transport, 'drain');
        }
        client.end(data);
        await data.done();
        assert.equal(hash(Buffer.concat(data.received)), hash(bytes));
      };
      await Promise.all([one(20), one(1), one(1)]);
      client.transport.destroy();
    });

    test('a port where nobody listens is said on the error stream, and the connection lives on', async () => {
      const free = createServer();
      free.listen(0, '127.0.0.1');
      await once(free, 'listening');
      const { port } = free.address() as AddressInfo;
      free.close();
      await once(free, 'close');
      const client = await connect();
      const { data, error } = await open(client, port);
      await Promise.all([data.done(), error.done()]);
      const words = `error forwarding port ${port} to pod web, uid uid-web: connect ECONNREFUSED 127.0.0.1:${port}`;
      assert.equal(error.text(), words);
      assert.equal(data.reset, true);
      const next = await open(client, await echo());
      client.send(next.data, 'still here', true);
      await next.data.done();
      assert.equal(next.data.text(), 'still here');
      client.transport.destroy();
    });

    test('a pod that cuts the connection is said, too', async () => {
      const port = await target((socket) => socket.once('data', () => socket.resetAndDestroy()));
      const client = await connect();
      const { data, error } = await open(client, port);
      client.send(data, 'x');
      await Promise.all([data.done(), error.done()]);
      assert.match(error.text(), /error forwarding port \d+ to pod web, uid uid-web: .*ECONNRESET/);
      client.transport.destroy();
    });

    test('a connection that the client drops is dropped in the pod', async () => {
      let closed = 0;
      const port = await target((socket) => {
        socket.on('close', () => closed++);
        socket.on('end', () => socket.end()).resume();
      });
      const client = await connect();
      const { data } = await open(client, port);
      await until(() => data.replied);
      client.reset(data);
      await until(() => closed === 1);
      await open(client, port);
      await open(client, port);
      client.transport.destroy();
      await until(() => closed === 3);
    });

    test('five hundred connections one after the other leave nothing behind', async () => {
      let open_ = 0;
      const port = await target((socket) => {
        open_++;
        socket.on('close', () => open_--);
        socket.pipe(socket);
      });
      const client = await connect();
      for (let round = 0; round < 500; round++) {
        const { data } = await open(client, port);
        client.send(data, `${round}`, true);
        await data.done();
        assert.equal(data.text(), `${round}`);
        client.streams.delete(data.id);
      }
      await until(() => open_ === 0);
      client.transport.destroy();
    });

    for (const headers of [
      { streamType: 'data' },
      { streamType: 'data', port: '0' },
      { streamType: 'data', port: '65536' },
      { streamType: 'data', port: '80x' },
      { streamType: 'stdin', port: '80' },
      { port: '80' },
    ]) {
      test(`a stream with ${JSON.stringify(headers)} is refused`, async () => {
        const client = await connect();
        const stream = await client.open(headers);
        await stream.done();
        assert.equal(stream.reset, true);
        client.transport.destroy();
      });
    }

    test('a client without request numbers is understood', async () => {
      const client = await connect();
      const port = `${await echo()}`;
      await client.open({ port, streamType: 'error' });
      const data = await client.open({ port, streamType: 'data' });
      client.send(data, 'old', true);
      await data.done();
      assert.equal(data.text(), 'old');
      client.transport.destroy();
    });

    test('half a pair is given up after thirty seconds', async () => {
      const client = await connect();
      const error = await client.open({ port: '80', requestID: 'half', streamType: 'error' });
      await until(() => error.replied);
      await clock.advance(29_000);
      assert.equal(error.ended, false);
      await clock.advance(2000);
      await error.done();
      assert.match(error.text(), /timed out waiting for streams of request half/);
      client.transport.destroy();
    });
  });
}

describe('port forwarding over the channels of a WebSocket', () => {
  async function dial(query: string, protocol?: string): Promise<{ ws: WebSocket; channels: Map<number, Buffer> }> {
    const protocols = protocol === undefined ? [] : [protocol];
    const ws = new WebSocket(`wss://127.0.0.1:${kubelet.port}${path}?${query}`, protocols, {
      ...identity(),
      rejectUnauthorized: false,
    });
    const channels = new Map<number, Buffer>();
    ws.on('message', (message: Buffer) => {
      const number = message.readUInt8(0);
      channels.set(number, Buffer.concat([channels.get(number) ?? Buffer.alloc(0), message.subarray(1)]));
    });
    await once(ws, 'open');
    return { ws, channels };
  }

  test('each port has a channel for its bytes and one for errors, which begin with the port', async () => {
    const [first, second] = [await echo(), await echo()];
    const { ws, channels } = await dial(`port=${first}&port=${second}`, 'v4.channel.k8s.io');
    ws.send(Buffer.from('\u0000one'));
    ws.send(Buffer.from('\u0002two'));
    await until(() => channels.get(0)?.length === 5 && channels.get(2)?.length === 5);
    assert.equal(channels.get(0)?.readUInt16LE(0), first);
    assert.equal(channels.get(1)?.readUInt16LE(0), first);
    assert.equal(channels.get(2)?.subarray(2).toString(), 'two');
    ws.close();
  });

  test('ends when the pod has ended, with what went wrong', async () => {
    const port = await target((socket) => socket.end('bye'));
    const { ws, channels } = await dial(`port=${port},1`);
    await until(() => channels.get(0)?.length === 5 && (channels.get(3)?.length ?? 0) > 2);
    assert.equal(channels.get(0)?.subarray(2).toString(), 'bye');
    assert.match(String(channels.get(3)?.subarray(2)), /error forwarding port 1 to pod web/);
    ws.close();
  });

  for (const [query, words] of [
    ['', 'query parameter "port" is required'],
    ['port=', 'query parameter "port" cannot be empty'],
    ['port=x', 'unable to parse "x" as a port'],
    ['port=0', 'port "0" must be > 0'],
    ['port=70000', 'unable to parse "70000" as a port'],
    [`port=${Array.from({ length: 101 }, () => '80').join(',')}`, 'at most 100 ports can be forwarded at once'],
  ] as const) {
    test(`"${query.slice(0, 30)}" is refused`, async () => {
      const headers = {
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      };
      await assert.rejects(upgrade(kubelet, `${path}?${query}`, headers, 'GET'), new RegExp(`400 ${words}`));
    });
  }
});

test('an unknown pod and one of another UID are 404', async () => {
  await assert.rejects(upgrade(kubelet, '/portForward/default/none', spdyHeaders), /404 pod does not exist/);
  await assert.rejects(upgrade(kubelet, '/portForward/default/web/other', spdyHeaders), /404 pod not found/);
});

test('a session without a byte for four hours ends', async () => {
  const client = await overSpdy();
  await open(client, await echo());
  await clock.advance(4 * 3_600_000 - 1000);
  client.ping(1);
  await until(() => client.pings.length === 1);
  await clock.advance(4 * 3_600_000 - 1000);
  assert.equal(client.transport.destroyed, false);
  await clock.advance(2000);
  await until(() => client.transport.readableEnded || client.transport.destroyed);
  client.transport.destroy();
});
