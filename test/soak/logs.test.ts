import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cluster, Stage } from '../e2e/harness.ts';
import { blocks, contentOf, mebibyte, type ReadLog, readThrough, watchMemory } from '../e2e/long-logs.ts';

const size = 1024;

/** A container that writes 1 GiB of log and ends. */
async function writeLog(stage: Stage): Promise<ReadLog> {
  const log = blocks(size * mebibyte, 0);
  await cluster.apply([
    stage.pod('p', {
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', log.script] }],
    }),
  ]);
  await stage.untilPod('p', 'running or over', (pod) => /Running|Succeeded/.test(pod.status?.phase ?? ''));
  return contentOf([log]);
}

test('1 GiB of log goes through kubectl logs without our memory growing', async (context) => {
  const stage = await Stage.set(context);
  const config = join(stage.rootDir, 'podman.toml');
  writeFileSync(config, 'containerLogMaxSize = "4Gi"');
  const node = await stage.startNode({ flags: ['--provider-config', config] });
  const expected = await writeLog(stage);
  await stage.untilPod('p', 'over', (pod) => pod.status?.phase === 'Succeeded', 600_000);
  // What the first reading of any log costs (code, pools) is no growth.
  await readThrough(['p', '--tail=100000', '--namespace', stage.namespace]);
  const memory = watchMemory(node.pid);
  const { code, tookMs, ...read } = await readThrough(['p', '--namespace', stage.namespace]);
  const grownMebibytes = memory.grownMebibytes();
  assert.deepEqual({ code, ...read }, { code: 0, ...expected });
  context.diagnostic(`${Math.round((size * 1000) / tookMs)} MiB/s, our memory grew by ${grownMebibytes} MiB`);
  assert.ok(grownMebibytes < 30, `it grew by ${grownMebibytes} MiB`);
});

test('1 GiB of log is followed from its first line to its last while it is rotated', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  const expected = await writeLog(stage);
  // What the first reading of any log costs (code, pools) is no growth.
  await readThrough(['p', '--follow', '--limit-bytes=10000000', '--namespace', stage.namespace]);
  const memory = watchMemory(node.pid);
  const { code, tookMs, ...read } = await readThrough(['p', '--follow', '--namespace', stage.namespace]);
  const grownMebibytes = memory.grownMebibytes();
  assert.deepEqual({ code, ...read }, { code: 0, ...expected });
  context.diagnostic(`in ${Math.round(tookMs / 1000)} s, our memory grew by ${grownMebibytes} MiB`);
  assert.ok(grownMebibytes < 30, `it grew by ${grownMebibytes} MiB`);
});
