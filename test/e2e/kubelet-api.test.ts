import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, containerStatus, isReady, kubectl, Stage } from './harness.ts';
import { approveServingCertificate } from './serving-certificate.ts';

const tenLines = 'for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done; echo to stderr >&2; sleep 100000';

test('kubectl logs gives lines, tails, limits, times and the attempt before', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const logs = (...flags: string[]): Promise<string> => kubectl('logs', 'p', '--namespace', stage.namespace, ...flags);
  await cluster.apply([
    stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', tenLines] }] }),
    stage.pod('crash', {
      containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', 'echo attempt; exit 1'] }],
    }),
  ]);
  await stage.untilPod('p', 'ready', isReady);
  assert.equal((await logs()).split('\n').filter((line) => line.startsWith('line ')).length, 10);
  assert.match(await logs(), /to stderr/);
  assert.equal((await logs('--tail=2')).trim().split('\n').length, 2);
  assert.equal((await logs('--limit-bytes=8')).length, 8);
  assert.match(await logs('--timestamps', '--tail=1'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) /);
  assert.equal(await logs('--since-time=2199-01-01T00:00:00Z'), '');
  assert.notEqual(await logs('--since=10m'), '');
  await stage.untilPod('crash', 'restarted', (pod) => containerStatus(pod, 'c').restartCount > 0);
  assert.equal((await kubectl('logs', 'crash', '--previous', '--namespace', stage.namespace)).trim(), 'attempt');
});

test('kubectl logs --follow goes on until the container ends', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const script = 'for i in 1 2 3 4 5; do echo $i; sleep 1; done';
  await cluster.apply([
    stage.pod('p', {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', script] }],
    }),
  ]);
  await stage.untilPod('p', 'ready', isReady);
  const followed = await kubectl('logs', 'p', '--follow', '--namespace', stage.namespace);
  assert.deepEqual(followed.trim().split('\n'), ['1', '2', '3', '4', '5']);
});

test('kubectl logs of a container that waits or does not exist says so', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [{ name: 'c', image: 'no-such-image:1' }] })]);
  await stage.untilPod('p', 'waiting', (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting !== undefined);
  const waiting = await cluster.kubectl(['logs', 'p', '--namespace', stage.namespace]);
  assert.notEqual(waiting.code, 0);
  assert.match(waiting.stderr, /waiting to start/);
});

test('the kubelet API lets nobody in without a certificate', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const port = (
    await kubectl('get', 'node', stage.nodeName, '--output=jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}')
  ).trim();
  const pods = await kubectl('get', '--raw', `/api/v1/nodes/${stage.nodeName}/proxy/pods`);
  assert.equal((JSON.parse(pods) as { kind: string }).kind, 'PodList');
  assert.match(await kubectl('get', '--raw', `/api/v1/nodes/${stage.nodeName}/proxy/healthz`), /ok/);
  const { request } = await import('node:https');
  const status = await new Promise<number | string>((resolve) => {
    const call = request({ host: cluster.nodeIp, port, path: '/pods', rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    call.once('error', (error) => resolve(String(error)));
    call.end();
  });
  assert.ok(status === 401 || /alert|handshake|ECONNRESET/i.test(String(status)), `it answered ${status}`);
});

test('a serving certificate is requested from the cluster, and served once somebody approves it', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode({ flags: ['--rotate-server-certificates'] });
  await approveServingCertificate(stage);
  const port = await kubectl(
    ...['get', 'node', stage.nodeName, '--output=jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}'],
  );
  const ca = readFileSync(cluster.certificateAuthorityFile);
  await waitFor(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ host: cluster.nodeIp, port: Number(port), ca }, () => {
          resolve(socket.authorized);
          socket.destroy();
        });
        socket.once('error', () => resolve(false));
      }),
    { what: 'a certificate of the cluster’s authority', timeoutMs: 30_000, intervalMs: 500 },
  );
});
