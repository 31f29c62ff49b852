import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, containerStatus, kubectl, Stage } from './harness.ts';
import { KubectlProcess } from './kubectl-process.ts';
import { blocks, contentOf, mebibyte, readThrough, watchMemory } from './long-logs.ts';

/** A podman.toml, for `--provider-config`. */
function providerConfig(stage: Stage, content: string): string {
  const file = join(stage.rootDir, 'podman.toml');
  writeFileSync(file, content);
  return file;
}

/** The files of a container's log, and beside them nothing. */
async function logFiles(id: string): Promise<readonly string[]> {
  const path = (
    await cluster.podman(['inspect', '--format', '{{.HostConfig.LogConfig.Path}}', id.replace('podman://', '')])
  ).trim();
  return readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)));
}

test('a log is rotated while it is followed, and neither the follower nor a later reader misses a byte', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  // Each part is longer than a log file may get, and the node looks every ten seconds.
  const partBytes = 11 * mebibyte;
  const parts = [0, 1, 2].map((part) => blocks(partBytes, part));
  const script = parts.map(({ script }) => script).join('\nsleep 11\n');
  await cluster.apply([
    stage.pod('p', {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', script] }],
    }),
  ]);
  const pod = await stage.untilPod('p', 'running', (each) => each.status?.phase === 'Running');
  const expected = contentOf(parts);
  const followed = await readThrough(['p', '--follow', '--namespace', stage.namespace]);
  assert.deepEqual({ ...followed, tookMs: 0 }, { code: 0, ...expected, tookMs: 0 });
  const files = await logFiles(containerStatus(pod, 'c').containerID ?? '');
  assert.ok(files.length >= 3 && files.length <= 5, String(files));
  const read = await readThrough(['p', '--namespace', stage.namespace]);
  assert.deepEqual({ ...read, tookMs: 0 }, { code: 0, ...expected, tookMs: 0 });
  // More lines than the newest file has.
  const tail = await kubectl('logs', 'p', '--tail=150000', '--namespace', stage.namespace);
  assert.equal(tail.length, 150_000 * 100);
  // Before it are 210,036 lines: 21 blocks of 10,001 lines, and of the next its own line and numbers 0 to 13.
  assert.match(tail, /^00000014 x+\n/);
});

test('a log of 64 MiB goes through kubectl logs, and our memory does not grow with it', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode({
    flags: ['--provider-config', providerConfig(stage, 'containerLogMaxSize = "1Gi"')],
  });
  const log = blocks(64 * mebibyte, 0);
  await cluster.apply([
    stage.pod('p', {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', log.script] }],
    }),
  ]);
  await stage.untilPod('p', 'over', (pod) => pod.status?.phase === 'Succeeded');
  // What the first reading of any log costs (code, pools) is no growth.
  await readThrough(['p', '--tail=100000', '--namespace', stage.namespace]);
  const memory = watchMemory(node.pid);
  const { tookMs, ...read } = await readThrough(['p', '--namespace', stage.namespace]);
  const grownMebibytes = memory.grownMebibytes();
  assert.deepEqual(read, { code: 0, ...contentOf([log]) });
  context.diagnostic(`${Math.round((64 * 1000) / tookMs)} MiB/s, our memory grew by ${grownMebibytes} MiB`);
  assert.ok(grownMebibytes < 30, `it grew by ${grownMebibytes} MiB`);
});

test('--previous shows the attempt that crashed, --follow ends with its attempt, and older ones leave nothing', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  // Counts its attempts, and ends when it is told to.
  const script = [
    'echo x >>/work/attempts; n=$(wc -l </work/attempts); echo attempt $n begins',
    'until [ -e /work/end$n ]; do sleep 0.1; done; echo attempt $n ends; exit 3',
  ].join('\n');
  await cluster.apply([
    stage.pod('p', {
      volumes: [{ name: 'work', emptyDir: {} }],
      containers: [
        {
          name: 'c',
          image: 'busybox',
          command: ['sh', '-c', script],
          volumeMounts: [{ name: 'work', mountPath: '/work' }],
        },
      ],
    }),
  ]);
  const logs = (...flags: string[]): Promise<string> => kubectl('logs', 'p', '--namespace', stage.namespace, ...flags);
  const begins = (attempt: number) =>
    waitFor(async () => (await logs()) === `attempt ${attempt} begins\n`, {
      what: `attempt ${attempt} to begin`,
      timeoutMs: 60_000,
      intervalMs: 300,
    });
  const folders: string[] = [];
  for (const attempt of [1, 2, 3]) {
    await begins(attempt);
    const pod = await stage.untilPod('p', `at attempt ${attempt}`, (each) => {
      const status = containerStatus(each, 'c');
      return status.restartCount === attempt - 1 && status.state?.running !== undefined;
    });
    const id = (containerStatus(pod, 'c').containerID ?? '').replace('podman://', '');
    const path = await cluster.podman(['inspect', '--format', '{{.HostConfig.LogConfig.Path}}', id]);
    folders.push(dirname(dirname(path.trim())));
    if (attempt > 1) {
      assert.equal(await logs('--previous'), `attempt ${attempt - 1} begins\nattempt ${attempt - 1} ends\n`);
    }
    if (attempt === 3) break;
    const follower = new KubectlProcess(['logs', 'p', '--follow', '--namespace', stage.namespace], {
      environment: {},
    }).listen();
    await waitFor(async () => follower.stdout !== '', { what: 'the follower to read', timeoutMs: 20_000 });
    await kubectl('exec', 'p', '--namespace', stage.namespace, '--', 'touch', `/work/end${attempt}`);
    const { code, stdout } = await follower.ended();
    assert.deepEqual([code, stdout.toString()], [0, `attempt ${attempt} begins\nattempt ${attempt} ends\n`]);
  }
  const [first = '', ...kept] = folders;
  await waitFor(async () => !readdirSync(dirname(first)).includes(basename(first)), {
    what: 'the files of the first attempt to be gone',
    timeoutMs: 20_000,
  });
  for (const folder of kept) assert.ok(readdirSync(folder).length > 0);
});
