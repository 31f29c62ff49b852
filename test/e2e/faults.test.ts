import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, containerStatus, isReady, kubectl, Stage } from './harness.ts';
import { runKillRounds } from './kill-rounds.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { apiServerAddress, kubeconfigThrough } from './through-proxy.ts';

const sleeper = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };

test('a watch that is cut goes on, and misses nothing', async (context) => {
  const stage = await Stage.set(context);
  await using proxy = await TcpProxy.listen(apiServerAddress());
  await stage.startNode({ kubeconfig: await kubeconfigThrough(proxy, stage.nodeName) });
  await cluster.apply([stage.pod('before', { containers: [sleeper] })]);
  await stage.untilPod('before', 'ready', isReady);
  proxy.refuse(true);
  proxy.cut();
  await kubectl('delete', 'pod', 'before', '--namespace', stage.namespace, '--wait=false');
  await cluster.apply([stage.pod('during', { containers: [sleeper] })]);
  proxy.refuse(false);
  await stage.untilPod('during', 'ready', isReady);
  await stage.untilGone('before');
});

test('a watch that is frozen without being closed is noticed', async (context) => {
  const stage = await Stage.set(context);
  await using proxy = await TcpProxy.listen(apiServerAddress());
  await stage.startNode({ kubeconfig: await kubeconfigThrough(proxy, stage.nodeName) });
  proxy.freeze();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  await stage.untilPod('p', 'ready', isReady, 90_000);
});

test('credentials that die after 20 s are renewed before they do, watches included', async (context) => {
  const stage = await Stage.set(context);
  const plugin = join(stage.rootDir, 'plugin.sh');
  const client = fileURLToPath(new URL('./short-lived-credential.ts', import.meta.url));
  writeFileSync(plugin, `#!/bin/sh\nexec '${process.execPath}' '${client}' '${stage.nodeName}' 20000\n`);
  chmodSync(plugin, 0o700);
  const kubeconfig = join(stage.rootDir, 'exec.kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    clusters: [
      {
        name: 'x',
        cluster: { server: cluster.apiServerUrl, 'certificate-authority': cluster.certificateAuthorityFile },
      },
    ],
    users: [
      {
        name: 'x',
        user: {
          exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' },
        },
      },
    ],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const node = await stage.startNode({ kubeconfig });
  const startedMs = Date.now();
  await waitFor(async () => Date.now() - startedMs > 45_000, { what: '45 s', timeoutMs: 60_000, intervalMs: 1000 });
  node.throwIfEnded();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  await stage.untilPod('p', 'ready', isReady, 20_000);
  assert.equal((await stage.nodeCondition('Ready'))?.status, 'True');
});

test('kill -9 and a restart change nothing for running pods', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [sleeper, { ...sleeper, name: 'd' }] })]);
  const before = await stage.untilPod('p', 'ready', isReady);
  await node.kill();
  await stage.startNode();
  await cluster.apply([stage.pod('q', { containers: [sleeper] })]);
  await stage.untilPod('q', 'ready', isReady);
  const after = await stage.untilPod('p', 'ready', isReady);
  assert.deepEqual(after.status?.containerStatuses, before.status?.containerStatuses);
});

test('a container that exits with 3 while we are dead is restarted exactly once, and its siblings are left alone', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  const script =
    'if [ -e /v/again ]; then sleep 100000; fi; while [ ! -e /v/go ]; do sleep 0.1; done; touch /v/again; exit 3';
  const volumeMounts = [{ name: 'v', mountPath: '/v' }];
  await cluster.apply([
    stage.pod('p', {
      containers: [
        { name: 'c', image: 'busybox', command: ['sh', '-c', script], volumeMounts },
        { ...sleeper, name: 'sibling', volumeMounts },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    }),
  ]);
  const before = await stage.untilPod('p', 'ready', isReady);
  await node.kill();
  const id = containerStatus(before, 'c').containerID?.replace('podman://', '') ?? '';
  const sibling = containerStatus(before, 'sibling').containerID?.replace('podman://', '') ?? '';
  await cluster.podman(['exec', sibling, 'touch', '/v/go']);
  await waitFor(
    async () => (await cluster.podman(['inspect', '--format', '{{.State.Running}}', id])).trim() === 'false',
    {
      what: 'the container to exit',
      timeoutMs: 20_000,
    },
  );
  await stage.startNode();
  const after = await stage.untilPod(
    'p',
    'ready again',
    (pod) => isReady(pod) && containerStatus(pod, 'c').restartCount === 1,
  );
  assert.equal(containerStatus(after, 'c').lastState?.terminated?.exitCode, 3);
  assert.deepEqual(containerStatus(after, 'sibling'), containerStatus(before, 'sibling'));
});

test('a pod deleted while we are dead is ended afterwards, and one whose object is gone leaves nothing behind', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  await cluster.apply([stage.pod('asked', { containers: [sleeper] }), stage.pod('forced', { containers: [sleeper] })]);
  await stage.untilPod('asked', 'ready', isReady);
  await stage.untilPod('forced', 'ready', isReady);
  await node.kill();
  await kubectl('delete', 'pod', 'asked', '--namespace', stage.namespace, '--wait=false');
  await kubectl('delete', 'pod', 'forced', '--namespace', stage.namespace, '--force', '--grace-period=0');
  await stage.startNode();
  await stage.untilGone('asked');
  await waitFor(async () => (await stage.containers()).length === 0, { what: 'no containers', timeoutMs: 30_000 });
});

test('SIGTERM leaves pods running and ends with 0 in time', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  await stage.untilPod('p', 'ready', isReady);
  const startedMs = Date.now();
  assert.equal(await node.stop(), 0);
  assert.ok(Date.now() - startedMs < 20_000);
  assert.equal((await stage.containers()).filter((line) => line.endsWith('running')).length > 0, true);
  await stage.startNode();
});

test('kill -9 at random moments of a rollout loses no pod and runs none twice (a sample; soak has 100 rounds)', async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const stage = await Stage.set(context);
  await runKillRounds(stage, { rounds: 5, random: seededRandom(seed) });
});
