import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { systemClock } from '../support/clock.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { until } from './testing/until.ts';
import { parseTlsParameters } from './tls-parameters.ts';

describe('the kubelet API', () => {
  let kubelet: TestKubeletApi;
  let fault: string | undefined;
  const web = testPod('web');
  before(async () => {
    const gone = { ...runningObserved(testPod('gone')), ended: true };
    kubelet = await TestKubeletApi.start({
      provider: testProvider({ listPods: async () => [runningObserved(web), gone] }),
      syncLoop: () => fault,
    });
    kubelet.pods.add(web);
    kubelet.pods.add(testPod('db'));
  });
  after(() => kubelet.stop());

  const health: readonly [path: string, status: number, text: string][] = [
    ['/healthz', 200, 'ok'],
    ['/healthz/ping', 200, 'ok'],
    ['/healthz/syncloop', 200, 'ok'],
    ['/healthz?verbose', 200, '[+]ping ok\n[+]syncloop ok\nhealthz check passed\n'],
  ];
  for (const [path, status, text] of health) {
    test(`${path} is well`, async () => {
      const answer = await kubelet.get(path);
      assert.deepEqual([answer.status, answer.text], [status, text]);
    });
  }

  test('healthz fails with a fault and passes where it is excluded', async () => {
    fault = 'no reconcile for 3m';
    const [all, one, without] = await Promise.all([
      kubelet.get('/healthz'),
      kubelet.get('/healthz/syncloop'),
      kubelet.get('/healthz?exclude=syncloop&verbose'),
    ]);
    fault = undefined;
    assert.deepEqual(
      [all.status, all.text],
      [500, '[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed'],
    );
    assert.deepEqual([one.status, one.text], [500, 'internal server error: no reconcile for 3m']);
    assert.match(without.text, /\[\+\]syncloop excluded: ok\nhealthz check passed/);
  });

  test('/pods lists the pods bound to the node, /runningpods/ what the provider runs', async () => {
    const bound = JSON.parse((await kubelet.get('/pods')).text);
    assert.deepEqual([bound.kind, bound.apiVersion], ['PodList', 'v1']);
    assert.deepEqual(bound.items[0], web);
    assert.equal(bound.items.length, 2);
    const running = JSON.parse((await kubelet.get('/runningpods/')).text);
    assert.deepEqual(running.items, [
      {
        metadata: { name: 'web', namespace: 'default', uid: 'uid-web' },
        spec: { containers: [{ name: 'app', image: 'docker.io/library/nginx:latest', resources: {} }] },
        status: {},
      },
    ]);
  });

  test('/configz tells the configuration in kubelet’s words', async () => {
    const { kubeletconfig } = JSON.parse((await kubelet.get('/configz')).text);
    assert.deepEqual(kubeletconfig.authentication, {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '2m0s' },
    });
    assert.deepEqual(kubeletconfig.authorization, {
      mode: 'Webhook',
      webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' },
    });
    const { clusterDNS, streamingConnectionIdleTimeout, tlsMinVersion } = kubeletconfig;
    assert.deepEqual(
      { clusterDNS, streamingConnectionIdleTimeout, tlsMinVersion },
      { clusterDNS: ['10.96.0.10'], streamingConnectionIdleTimeout: '4h0m0s', tlsMinVersion: 'VersionTLS12' },
    );
  });

  const turnedOff: readonly [method: string, path: string, status: number, text: RegExp][] = [
    ['GET', '/logs/', 405, /logs endpoint is disabled: a virtual node has no machine/],
    ['GET', '/logs/pods/../../etc/passwd', 405, /logs endpoint is disabled/],
    ['GET', '/debug/pprof/profile?seconds=30', 405, /profiling endpoint is disabled/],
    ['POST', '/checkpoint/default/web/app', 501, /provider test cannot checkpoint containers/],
    ['GET', '/flagz', 404, /404 page not found/],
  ];
  for (const [method, path, status, text] of turnedOff) {
    test(`${method} ${path} is ${status}, and says why`, async () => {
      const answer = await kubelet.get(path, { method });
      assert.equal(answer.status, status);
      assert.match(answer.text, text);
    });
  }

  test('an unknown path is 404, a known one by a wrong method 405', async () => {
    assert.equal((await kubelet.get('/nowhere')).status, 404);
    assert.equal((await kubelet.get('/pods', { method: 'POST' })).status, 405);
  });

  /** A connection as the admin, for bytes that no HTTP client would send. */
  async function raw(): Promise<TLSSocket> {
    const socket = connect({
      host: '127.0.0.1',
      port: kubelet.port,
      rejectUnauthorized: false,
      cert: kubelet.admin.certificate,
      key: kubelet.admin.key,
    });
    await once(socket, 'secureConnect');
    socket.on('error', () => {});
    return socket;
  }

  async function rest(socket: TLSSocket): Promise<string> {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    // What it says counts also where it then resets the connection.
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  test('headers of more than a mebibyte are answered 431', async () => {
    const socket = await raw();
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
    for (let sent = 0; sent < 20; sent++) socket.write(`x-${sent}: ${'a'.repeat(60_000)}\r\n`);
    assert.match(await rest(socket), /^HTTP\/1.1 431 /);
  });

  test('the command of an exec may have 900 KiB, as with kubelet', async () => {
    assert.equal((await kubelet.get(`/healthz?${'a'.repeat(900 * 1024)}`)).status, 200);
  });

  test('a body that nobody asked for is cut, whether its length is said or not', async () => {
    const socket = await raw();
    socket.write('POST /pods HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
    assert.match(await rest(socket), /^HTTP\/1.1 413 /);
    const chunked = await raw();
    chunked.write('GET /containerLogs/default/web/app HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let sent = 0; sent < 20; sent++) chunked.write(`8000\r\n${'a'.repeat(0x8000)}\r\n`);
    chunked.write('0\r\n\r\n');
    assert.match(await rest(chunked), /^HTTP\/1.1 4\d\d /);
  });

  test('what is not HTTP is answered 400 or nothing, and the next request is served', async () => {
    for (const bytes of [
      '\u0000\u0001\u0002',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const socket = await raw();
      socket.write(bytes);
      assert.match(await rest(socket), /^(HTTP\/1.1 (4|5)\d\d |$)/);
    }
    const plain = connectTcp(kubelet.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('GET /pods HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(plain, 'close');
    assert.equal((await kubelet.get('/healthz')).status, 200);
  });

  test('targets that are no paths are refused', async () => {
    for (const target of ['https://127.0.0.1/pods', '*', '//pods', '/../pods', '/pods/../../etc/passwd']) {
      const socket = await raw();
      socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      assert.match(await rest(socket), /^HTTP\/1.1 40[04] /, target);
    }
  });

  test('a session cannot be resumed, so that no identity outlives its connection', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      let session: Buffer | undefined;
      const { certificate: cert, key } = kubelet.admin;
      const server = { host: '127.0.0.1', port: kubelet.port, rejectUnauthorized: false, maxVersion };
      const first = connect({ ...server, cert, key });
      first.on('session', (given) => {
        session = given;
      });
      first.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      first.resume();
      await once(first, 'close');
      assert.ok(session);
      const second = connect({ ...server, session });
      await once(second, 'secureConnect');
      assert.equal(second.isSessionReused(), false);
      second.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      assert.match(await rest(second), /^HTTP\/1.1 401 /);
    }
  });
});

describe('slow and greedy clients', () => {
  test('headers that never end are cut with 408 after ten seconds, silence as well', async () => {
    const kubelet = await TestKubeletApi.start();
    const options = { host: '127.0.0.1', port: kubelet.port, rejectUnauthorized: false };
    const startMs = systemClock.now();
    const dripping = connect(options, () => dripping.write('GET /healthz HTTP/1.1\r\nhost: x\r\n'));
    const drip = setInterval(() => dripping.write('x: y\r\n'), 500);
    const silent = connect(options);
    const plain = connectTcp(kubelet.port, '127.0.0.1');
    let answered = '';
    dripping.on('data', (data) => {
      answered += data;
    });
    for (const socket of [dripping, silent, plain]) socket.on('error', () => {});
    silent.resume();
    plain.resume();
    await Promise.all([dripping, silent, plain].map((socket) => once(socket, 'close')));
    clearInterval(drip);
    const tookMs = systemClock.now() - startMs;
    assert.match(answered, /^HTTP\/1.1 408 /);
    assert.ok(tookMs > 9000 && tookMs < 14_000, `cut after ${tookMs} ms`);
    await kubelet.stop();
  });

  const attacks: readonly [withoutWhat: string, knock: (port: number) => Socket][] = [
    ['a byte', (port) => connectTcp(port, '127.0.0.1')],
    ['a request', (port) => connect({ host: '127.0.0.1', port, rejectUnauthorized: false })],
  ];
  for (const [withoutWhat, knock] of attacks) {
    test(`a stranger holds at most 512 connections without ${withoutWhat}, and keeps nobody out`, async () => {
      const kubelet = await TestKubeletApi.start();
      kubelet.api.users.set('good', { username: 'prometheus' });
      const bearer = { as: 'nobody', headers: { authorization: 'Bearer good' } } as const;
      const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })] as const;
      const keptAlive = (): readonly unknown[] =>
        agents.flatMap(({ freeSockets }) => Object.values(freeSockets).flat());
      const byBoth = async (): Promise<readonly number[]> => {
        const calls = [kubelet.get('/healthz', { agent: agents[0] })];
        calls.push(kubelet.get('/healthz', { ...bearer, agent: agents[1] }));
        return (await Promise.all(calls)).map(({ status }) => status);
      };
      assert.deepEqual(await byBoth(), [200, 200]);
      const before = keptAlive();
      assert.equal(before.length, 2);

      let [opened, closed] = [0, 0];
      const sockets = Array.from({ length: 700 }, () => {
        const socket = knock(kubelet.port);
        socket.on('error', () => {}).resume();
        return socket.once('connect', () => opened++).once('close', () => closed++);
      });
      await until(() => opened === 700 && closed === 700 - 512);
      // Who was known before is still there, and who comes now is let in.
      assert.deepEqual(await byBoth(), [200, 200]);
      assert.deepEqual(keptAlive(), before);
      assert.equal((await kubelet.get('/healthz')).status, 200);
      assert.equal((await kubelet.get('/healthz', bearer)).status, 200);
      // Each newcomer took the place of a stranger; none of them was refused.
      assert.ok(closed <= 700 - 512 + 2, `${closed} cut`);

      for (const socket of sockets) socket.destroy();
      for (const agent of agents) agent.destroy();
      await kubelet.stop();
    });
  }

  test('a bearer who may not do what it asks for stays a stranger', async () => {
    const kubelet = await TestKubeletApi.start();
    kubelet.api.users.set('weak', { username: 'weak' });
    kubelet.api.allows = () => false;
    const agent = new Agent({ keepAlive: true });
    const asked = await kubelet.get('/pods', { as: 'nobody', headers: { authorization: 'Bearer weak' }, agent });
    assert.equal(asked.status, 403);
    const [socket] = Object.values(agent.freeSockets).flat();
    const sockets = Array.from({ length: 512 }, () => connectTcp(kubelet.port, '127.0.0.1').on('error', () => {}));
    await until(() => socket === undefined || socket.destroyed);
    for (const one of sockets) one.destroy();
    agent.destroy();
    await kubelet.stop();
  });
});

test('TLS 1.2 is refused where 1.3 is the least version', async () => {
  const kubelet = await TestKubeletApi.start({ tlsParameters: parseTlsParameters('VersionTLS13', '') });
  await assert.rejects(kubelet.get('/healthz', { maxVersion: 'TLSv1.2' }), /alert protocol version/);
  assert.equal((await kubelet.get('/healthz')).status, 200);
  await kubelet.stop();
});

describe('cipher suites of TLS 1.2', () => {
  const chacha = 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256';
  const table: readonly [offered: string, wanted: string, agreed: string | undefined][] = [
    ['', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['', 'ECDHE-ECDSA-AES128-SHA', undefined],
    ['', 'ECDHE-ECDSA-AES256-SHA384', undefined],
    [chacha, 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    [chacha, 'ECDHE-ECDSA-AES128-GCM-SHA256', undefined],
  ];
  for (const [offered, wanted, agreed] of table) {
    test(`a client of ${wanted} is ${agreed ? 'served' : 'refused'} with --tls-cipher-suites='${offered}'`, async () => {
      const kubelet = await TestKubeletApi.start({ tlsParameters: parseTlsParameters('VersionTLS12', offered) });
      const { port } = kubelet;
      const socket = connect({
        ...{ host: '127.0.0.1', port, rejectUnauthorized: false },
        ...{ maxVersion: 'TLSv1.2', ciphers: `${wanted}:@SECLEVEL=0` },
      });
      const handshake = once(socket, 'secureConnect');
      if (agreed === undefined) {
        await assert.rejects(handshake, /handshake failure/);
      } else {
        await handshake;
        assert.equal(socket.getCipher().name, agreed);
      }
      socket.destroy();
      await kubelet.stop();
    });
  }
});

test('a port that is taken is said with the address', async () => {
  const kubelet = await TestKubeletApi.start();
  await assert.rejects(
    TestKubeletApi.start({}, kubelet.port),
    /cannot serve the kubelet API on 127.0.0.1:\d+: .*EADDRINUSE/,
  );
  await kubelet.stop();
});

test('at the end idle connections close, followers are let go and short answers are finished', async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let aborted = false;
  const kubelet = await TestKubeletApi.start({
    provider: testProvider({
      listPods: async () => {
        await released;
        return [];
      },
      logs: async (_request, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return (async function* () {
          await systemClock.sleep(60_000, { signal });
          yield Buffer.from('never');
        })();
      },
    }),
  });
  const web = testPod('web');
  kubelet.pods.add(web, runningObserved(web));
  const agent = new Agent({ keepAlive: true });
  await kubelet.get('/healthz', { agent });
  const short = kubelet.get('/runningpods/');
  const following = kubelet.get('/containerLogs/default/web/app?follow=true');
  following.catch(() => {});
  await until(() => kubelet.api.accessReviews.length === 3);
  await systemClock.sleep(20);
  const stopped = kubelet.stop();
  await assert.rejects(following);
  assert.equal(aborted, true);
  release();
  assert.equal((await short).status, 200);
  await stopped;
  agent.destroy();
});
