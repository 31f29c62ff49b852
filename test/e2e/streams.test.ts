import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cluster, isReady, kubectl, Stage } from './harness.ts';
import { KubectlProcess, transports } from './kubectl-process.ts';
import { startTargets, tryVerbs } from './kubectl-verbs.ts';

test('kubectl gets into pods', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const trials = transports.map((transport) => ({ stage, transport, reader: `reader-${transport.name}` }));
  await startTargets(stage, trials);
  for (const trial of trials) {
    await context.test(`over ${trial.transport.name}`, (of) => tryVerbs(of, trial));
  }
});

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

test('kubectl debug with what cannot be had ends, and says why', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([
    stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '100000'] }] }),
  ]);
  await stage.untilPod('p', 'ready', isReady);
  const custom = join(stage.rootDir, 'custom.json');
  await writeFile(custom, JSON.stringify({ securityContext: { seLinuxOptions: { level: 's0' } } }));
  const debug = [
    'debug',
    '--namespace',
    stage.namespace,
    'p',
    '-i',
    '--image=busybox',
    '-c',
    'd',
    `--custom=${custom}`,
  ];
  const { code, stderr } = await new KubectlProcess([...debug, '--', 'sh'], { environment: {} }).end();
  assert.notEqual(code, 0);
  assert.match(stderr, /container "d" in pod "p" was not started: this node cannot run .*seLinuxOptions: SELinux/);
  assert.equal((await stage.getPod('p'))?.status?.phase, 'Running');
});
