import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { startCluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait-for.ts';

// What is stopped here would be missed by other tests, so these have a cluster of their own. The harness finds it by name.
const outage = await startCluster({ name: 'outage', progress: (line) => console.log(line) });
after(() => outage.stop());
Object.assign(process.env, outage.environment(), { TEST_CLUSTER: outage.name });
const { cluster, containerStatus, getObject, isReady, kubectl, Stage } = await import('./harness.ts');

const sleeper = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };

test('an API server that stops for 20 s in the middle of a rollout loses nothing and doubles nothing', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const { namespace } = stage;
  await cluster.apply([stage.deployment('d', 8, sleeper)]);
  await waitFor(async () => (await stage.containers()).length > 0, { what: 'the first container', timeoutMs: 30_000 });
  await outage.stopApiServer();
  await delay(20_000);
  await outage.startApiServer();
  await kubectl('rollout', 'status', 'deployment/d', '--namespace', namespace, '--timeout=90s');
  const pods = await getObject<{ items: Pod[] }>('pods', '--namespace', namespace);
  assert.equal(pods?.items.length, 8);
  assert.ok(pods.items.every((pod) => isReady(pod) && containerStatus(pod, 'c').restartCount === 0));
  assert.equal((await stage.containers()).filter((line) => line.endsWith(' running')).length, 16);
});

test('Podman stopped and started: pods stay as they are, and new ones start when it is back', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  const before = await stage.untilPod('p', 'ready', isReady);
  await outage.stopPodman();
  await waitFor(async () => (await stage.nodeCondition('Ready'))?.status === 'False', {
    what: 'the node to be NotReady',
    timeoutMs: 40_000,
  });
  await cluster.apply([
    {
      ...stage.pod('q', {
        nodeName: stage.nodeName,
        nodeSelector: undefined,
        containers: [sleeper],
        tolerations: [{ operator: 'Exists' }],
      }),
    },
  ]);
  const told = await stage.untilPod('p', 'still there', () => true);
  assert.deepEqual(containerStatus(told, 'c').containerID, containerStatus(before, 'c').containerID);
  await outage.startPodman();
  await stage.untilPod('q', 'ready', isReady, 60_000);
  const after = await stage.untilPod('p', 'ready', isReady);
  assert.deepEqual(containerStatus(after, 'c'), containerStatus(before, 'c'));
});
