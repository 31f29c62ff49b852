import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, getObject, isReady, kubectl, Stage } from './harness.ts';
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

test('kubectl debug node/… sees the machine', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const script = 'sleep 98765 & for n in pid ipc net; do readlink /proc/self/ns/$n; done; ls -d /host/proc';
  const debug = [
    'debug',
    `node/${stage.nodeName}`,
    '--namespace',
    stage.namespace,
    '--image=busybox',
    '--profile=general',
  ];
  await kubectl(...debug, '--', 'sh', '-c', script);
  const pods = await getObject<{ items: Pod[] }>('pods', '--namespace', stage.namespace);
  const name = pods?.items[0]?.metadata?.name ?? '';
  await stage.untilPod(name, 'Succeeded', (pod) => pod.status?.phase === 'Succeeded');
  const own = ['pid', 'ipc', 'net'].map((kind) => readlinkSync(`/proc/self/ns/${kind}`));
  assert.equal(await kubectl('logs', name, '--namespace', stage.namespace), `${own.join('\n')}\n/host/proc\n`);
  // It has no namespace that could take its processes along.
  const left = async (): Promise<boolean> =>
    !readdirSync('/proc').some((pid) => commandOf(pid).includes('sleep\u000098765'));
  await waitFor(left, { what: 'nothing of it to run any more', timeoutMs: 10_000 });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('kubectl run -i of a command that ends at once runs it once, and gives its exit code', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const overrides = (name: string): string =>
    JSON.stringify({
      spec: {
        nodeName: stage.nodeName,
        containers: [
          {
            name,
            image: 'busybox',
            stdin: true,
            stdinOnce: true,
            command: ['sh', '-c', `echo ran | tee -a /ran/${name}; exit 3`],
            volumeMounts: [{ name: 'ran', mountPath: '/ran' }],
          },
        ],
        volumes: [{ name: 'ran', hostPath: { path: stage.rootDir } }],
      },
    });
  const names = Array.from({ length: 8 }, (_, index) => `once-${index}`);
  for (const name of names) {
    const run = ['run', name, '--namespace', stage.namespace, '--image=busybox', '--restart=Never', '-i'];
    const { code, stdout, stderr } = await new KubectlProcess([...run, `--overrides=${overrides(name)}`], {
      environment: {},
    }).end();
    assert.equal(code, 3, stderr);
    // kubectl shows the log so far, attaches, and where that comes too late shows the log again.
    assert.match(stdout.toString(), /^ran$/m);
    assert.equal(readFileSync(join(stage.rootDir, name), 'utf8'), 'ran\n');
  }
});
