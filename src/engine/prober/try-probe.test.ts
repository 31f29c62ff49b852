import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import type { Container } from '../../kubernetes/objects.ts';
import { probeSettings } from '../../podspec/probes/probe-settings.ts';
import { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { systemClock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import type { Try } from './probe-target.ts';
import { tryProbe } from './try-probe.ts';

const { signal } = new AbortController();
type Handler = NonNullable<Container['livenessProbe']>;

describe('tryProbe', () => {
  const servers: (Server | TcpServer | Http2Server)[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  const listen = async (server: Server | TcpServer | Http2Server): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const runtime = new FakeRuntime(new FakeClock());
  const tried = async (handler: Handler, ports: Container['ports'] = []): Promise<Try> => {
    const container: Container = { name: 'a', ports, livenessProbe: handler, env: [{ name: 'WHO', value: 'me' }] };
    const settings = probeSettings(container, 'liveness');
    assert.ok(settings);
    const target = { id: 'id', container, ip: '127.0.0.1', startedAtMs: 0 };
    return await tryProbe({ runtime, clock: systemClock }, settings, { target, signal });
  };
  const http = async (listener: RequestListener, action: Partial<Handler['httpGet']> = {}): Promise<Try> => {
    const port = await listen(createServer(listener));
    return await tried({ httpGet: { port: 'web', ...action } }, [{ name: 'web', containerPort: port }]);
  };

  describe('with HTTP', () => {
    for (const [status, expected] of [
      [200, 'success'],
      [204, 'success'],
      [304, 'warning'],
      [399, 'warning'],
      [400, 'failure'],
      [503, 'failure'],
    ] as const) {
      it(`calls ${status} a ${expected}`, async () => {
        const result = await http((_, response) => response.writeHead(status).end());
        assert.equal(result.kind, expected);
        if (result.kind === 'failure') assert.equal(result.output, `HTTP probe failed with statuscode: ${status}`);
      });
    }

    it('asks for the path with the headers of the probe, and says who it is', async () => {
      let seen: unknown;
      const httpHeaders = [
        { name: 'Host', value: 'example.test' },
        { name: 'X-Two', value: 'a' },
        { name: 'X-Two', value: 'b' },
      ];
      await http(
        ({ url, headers }, response) => {
          seen = [url, headers.host, headers['x-two'], headers['user-agent'], headers.accept];
          response.end();
        },
        { path: 'health check?deep=1', httpHeaders },
      );
      assert.deepEqual(seen, ['/health%20check?deep=1', 'example.test', 'a, b', 'kube-probe/1.36', '*/*']);
    });

    it('follows redirects on the same host, and no further', async () => {
      const local = await http(({ url }, response) =>
        url === '/' ? response.writeHead(302, { location: '/there' }).end() : response.end(),
      );
      assert.equal(local.kind, 'success');
      const abroad = await http((_, response) =>
        response.writeHead(302, { location: 'http://example.test/' }).end('x'),
      );
      assert.deepEqual(abroad, { kind: 'warning', output: 'Probe terminated redirects, Response body: x' });
      const forever = await http((_, response) => response.writeHead(302, { location: '/again' }).end());
      assert.match(forever.kind === 'failure' ? forever.output : '', /stopped after 10 redirects/);
    });

    it('fails where nobody listens, and where no answer comes in time', async () => {
      const port = await listen(createTcpServer());
      servers[0]?.close();
      const refused = await tried({ httpGet: { port } });
      assert.match(refused.kind === 'failure' ? refused.output : '', /ECONNREFUSED/);
      const silent = await tried({
        httpGet: { port: await listen(createTcpServer((socket) => socket.unref())) },
        timeoutSeconds: 0.05,
      });
      assert.deepEqual(silent, { kind: 'failure', output: 'no answer within 50ms' });
    });

    it('says nothing of the container where its port has no such name', async () => {
      const result = await tried({ httpGet: { port: 'nope' } });
      assert.deepEqual(result, { kind: 'error', output: `couldn't find port: "nope" in container a` });
    });
  });

  it('with TCP succeeds where somebody listens', async () => {
    const port = await listen(createTcpServer());
    assert.deepEqual(await tried({ tcpSocket: { port } }), { kind: 'success' });
    const refused = await tried({ tcpSocket: { port: 1 } });
    assert.match(refused.kind === 'failure' ? refused.output : '', /^dial tcp 127\.0\.0\.1:1: .*ECONNREFUSED/);
  });

  describe('with exec', () => {
    it('succeeds where the command ends with 0, its plain variables filled in', async () => {
      let ran: readonly string[] = [];
      runtime.onExec = async (_, command) => {
        ran = command;
        return { exitCode: 0 };
      };
      assert.deepEqual(await tried({ exec: { command: ['echo', '$(WHO)', '$(WHERE)'] } }), { kind: 'success' });
      assert.deepEqual(ran, ['echo', 'me', '$(WHERE)']);
    });

    it('fails with the output of a command that does not', async () => {
      runtime.onExec = async () => ({ exitCode: 2, stdout: 'no such thing' });
      assert.deepEqual(await tried({ exec: { command: ['x'] } }), { kind: 'failure', output: 'no such thing' });
    });

    it('fails where the command takes too long, and errs where it cannot be run', async () => {
      runtime.onExec = () => new Promise(() => {});
      const late = await tried({ exec: { command: ['sleep', '9'] }, timeoutSeconds: 0.05 });
      assert.deepEqual(late, { kind: 'failure', output: 'command timed out: "sleep 9" timed out after 50ms' });
      runtime.failNext('exec', new CodedError('Unavailable', 'the runtime is away'));
      assert.deepEqual(await tried({ exec: { command: ['x'] } }), { kind: 'error', output: 'the runtime is away' });
    });
  });

  describe('with gRPC', () => {
    /** A health service that answers with this status of the call and of the service. */
    const serve = async (status: number, health: number, seen: Buffer[] = []): Promise<number> => {
      const server = createHttp2Server();
      server.on('stream', (stream: ServerHttp2Stream) => {
        stream.on('data', (chunk: Buffer) => seen.push(chunk));
        stream.on('end', () => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () =>
            stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': 'words' }),
          );
          stream.end(status === 0 ? Buffer.from([0, 0, 0, 0, 2, 8, health]) : undefined);
        });
      });
      return await listen(server);
    };

    it('succeeds where the service serves', async () => {
      const seen: Buffer[] = [];
      assert.deepEqual(await tried({ grpc: { port: await serve(0, 1, seen), service: 'db' } }), { kind: 'success' });
      assert.deepEqual(Buffer.concat(seen), Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x64, 0x62]));
    });

    for (const [name, status, health, words] of [
      ['does not serve', 0, 2, 'service unhealthy (responded with "NOT_SERVING")'],
      [
        'does not know the protocol',
        12,
        0,
        'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): words',
      ],
      ['refuses the call', 7, 0, 'error: health rpc probe failed: rpc error: code = 7 desc = words'],
    ] as const) {
      it(`fails where the service ${name}`, async () => {
        const result = await tried({ grpc: { port: await serve(status, health), service: '' } });
        assert.deepEqual(result, { kind: 'failure', output: words });
      });
    }

    it('fails where nobody listens', async () => {
      const refused = await tried({ grpc: { port: 1 } });
      assert.match(
        refused.kind === 'failure' ? refused.output : '',
        /^error: failed to connect service at "127\.0\.0\.1:1"/,
      );
    });
  });
});
