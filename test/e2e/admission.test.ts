import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, getObject, isReady, kubectl, Stage } from './harness.ts';

const sleeper = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };

const isFailed = (pod: Pod): boolean => pod.status?.phase === 'Failed';

/** A pod that no scheduler has looked at. */
function boundPod(stage: Stage, name: string, spec: Record<string, unknown> = {}): object {
  return stage.pod(name, { nodeName: stage.nodeName, nodeSelector: {}, containers: [sleeper], ...spec });
}

function asking(requests: Record<string, string>): Record<string, unknown> {
  return { containers: [{ ...sleeper, resources: { requests } }] };
}

function onPort(hostPort: number): Record<string, unknown> {
  return { containers: [{ ...sleeper, ports: [{ containerPort: 80, hostPort }] }] };
}

test('a pod bound past the scheduler fails in kubelet’s words where its node has no place for it', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  await cluster.apply([boundPod(stage, 'first', onPort(18_080)), boundPod(stage, 'other', onPort(18_081))]);
  await stage.untilPod('first', 'Ready', isReady);
  await stage.untilPod('other', 'Ready', isReady);
  const rows: readonly [string, Record<string, unknown>, string, RegExp][] = [
    ['label', { nodeSelector: { foo: 'bar' } }, 'NodeAffinity', /^Pod was rejected: Predicate NodeAffinity failed: /],
    ['cpu', asking({ cpu: '100' }), 'OutOfcpu', /enough resource: cpu, requested: 100000, used: 0, capacity: \d+000$/],
    ['memory', asking({ memory: '100Ti' }), 'OutOfmemory', /enough resource: memory, requested: 109951162777600, /],
    ['port', onPort(18_080), 'NodePorts', /^Pod was rejected: Predicate NodePorts failed: /],
  ];
  await cluster.apply(rows.map(([name, spec]) => boundPod(stage, name, spec)));
  for (const [name, , reason, message] of rows) {
    const { status } = await stage.untilPod(name, 'Failed', isFailed);
    assert.equal(status?.reason, reason);
    assert.match(status?.message ?? '', message);
  }
  await waitFor(async () => (await stage.events()).some((event) => event.startsWith('OutOfcpu: Node didn')), {
    what: 'the event of a refusal',
    timeoutMs: 10_000,
  });
  assert.equal((await stage.containers()).filter((line) => line.endsWith('running')).length, 4, 'two pods run');

  // The label has just been added, and a pod that ran with it stays when it is gone.
  await kubectl('label', 'node', stage.nodeName, 'foo=bar');
  await cluster.apply([boundPod(stage, 'labelled', { nodeSelector: { foo: 'bar' } })]);
  await stage.untilPod('labelled', 'Ready', isReady);
  await kubectl('label', 'node', stage.nodeName, 'foo-');
  await node.kill();
  await stage.startNode();
  await kubectl('delete', 'pod', 'first', '--namespace', stage.namespace);
  await cluster.apply([boundPod(stage, 'again', onPort(18_080))]);
  await stage.untilPod('again', 'Ready', isReady);
  assert.equal((await stage.getPod('labelled'))?.status?.phase, 'Running');
});

test('a node takes as many pods as it says, and another when one of them is gone', async (context) => {
  const stage = await Stage.set(context);
  const config = join(stage.rootDir, 'mock.json');
  writeFileSync(config, JSON.stringify({ [stage.nodeName]: { pods: '20' } }));
  await stage.startNode({ provider: 'memory', flags: ['--provider-config', config] });
  await cluster.apply(Array.from({ length: 30 }, (_, index) => boundPod(stage, `p${index}`)));
  const all = await waitFor(
    async () => {
      const list = await getObject<{ items: Pod[] }>('pods', '--namespace', stage.namespace);
      return list?.items.every((pod) => isReady(pod) || isFailed(pod)) && list.items;
    },
    { what: 'each pod to run or to fail', timeoutMs: 30_000 },
  );
  const failed = all.filter(isFailed);
  assert.deepEqual([all.length, failed.length], [30, 10]);
  assert.ok(failed.every(({ status }) => status?.reason === 'OutOfpods'));

  const gone = all.find(isReady)?.metadata?.name ?? '';
  await kubectl('delete', 'pod', gone, '--namespace', stage.namespace);
  await cluster.apply([boundPod(stage, 'late'), boundPod(stage, 'later')]);
  await stage.untilPod('late', 'Ready', isReady);
  await stage.untilPod('later', 'Failed', isFailed);
});

test('a mirror pod is deleted, and does not hold up its namespace', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode({ provider: 'memory' });
  const annotations = { 'kubernetes.io/config.mirror': 'abc' };
  await cluster.apply([
    stage.pod('mirror', { nodeName: stage.nodeName, nodeSelector: {}, containers: [sleeper] }, { annotations }),
  ]);
  await stage.untilGone('mirror', 10_000);
});
