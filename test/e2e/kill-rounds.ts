import assert from 'node:assert/strict';
import type { Pod } from '../../src/kubernetes/objects.ts';
import type { Random } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, getObject, isReady, kubectl, type Stage } from './harness.ts';

/**
 * Each round changes the scale of a Deployment, kills virtual-kubelet at a random moment, starts it again and waits until
 * the right number of pods runs: each once, each with one running container, none left over.
 */
export async function runKillRounds(
  stage: Stage,
  options: { readonly rounds: number; readonly random: Random },
): Promise<void> {
  const { rounds, random } = options;
  const { namespace } = stage;
  let node = await stage.startNode();
  const container = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };
  await cluster.apply([stage.deployment('d', 0, container)]);
  for (let round = 0; round < rounds; round++) {
    const replicas = Math.floor(random() * 4);
    const killAfterMs = Math.floor(random() * 2500);
    await kubectl('scale', 'deployment/d', `--replicas=${replicas}`, '--namespace', namespace);
    const untilMs = Date.now() + killAfterMs;
    await waitFor(async () => Date.now() >= untilMs, { what: 'the moment', timeoutMs: 10_000, intervalMs: 5 });
    await node.kill();
    node = await stage.startNode({ init: false });
    await waitFor(() => settled(stage, replicas), {
      what: `round ${round}: ${replicas} pods, killed after ${killAfterMs} ms`,
      timeoutMs: 60_000,
      intervalMs: 300,
    });
  }
}

async function settled(stage: Stage, replicas: number): Promise<boolean> {
  const pods = (await getObject<{ items: Pod[] }>('pods', '--namespace', stage.namespace))?.items ?? [];
  if (pods.length !== replicas || !pods.every(isReady)) return false;
  const containers = await stage.containers();
  const running = containers.filter((line) => line.endsWith(' running'));
  for (const pod of pods) {
    assert.ok((pod.status?.containerStatuses?.[0]?.restartCount ?? 0) === 0, 'no container was started twice');
  }
  // A pod is its container and the sandbox that holds its network.
  return running.length === replicas * 2 && containers.length === replicas * 2;
}
