import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster, kubectl, Stage } from './harness.ts';
import { transports } from './kubectl-process.ts';
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
