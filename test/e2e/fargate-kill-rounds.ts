import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';
import type { FargateStage } from './fargate-stage.ts';
import { isReady } from './harness.ts';

/**
 * Each round changes the scale of a Deployment, kills virtual-kubelet at a random moment, starts it again and waits until
 * the right number of pods runs: one live task each, and never two tasks of one attempt. ECS is as late to know its own
 * tasks as it happens to be.
 */
export async function runFargateKillRounds(
  ours: FargateStage,
  { rounds, random }: { readonly rounds: number; readonly random: Random },
): Promise<void> {
  let node = await ours.startNode();
  await ours.deploy('d', { name: 'c', image: 'busybox', command: ['sleep', '100000'] }, { replicas: 0 });
  for (let round = 0; round < rounds; round++) {
    const replicas = Math.floor(random() * 4);
    const killAfterMs = Math.floor(random() * 2500);
    const consistencyDelayMs = Math.floor(random() * 1000);
    await ours.fargate.turnSwitches({ consistencyDelayMs });
    await ours.scale('d', replicas);
    await delay(killAfterMs);
    await node.kill();
    node = await ours.startNode({ init: false });
    await waitFor(() => settled(ours, replicas), {
      what: `round ${round}: ${replicas} pods, killed after ${killAfterMs} ms, ECS late by ${consistencyDelayMs} ms`,
      timeoutMs: 60_000,
      intervalMs: 300,
      check: () => node.throwIfEnded(),
    });
  }
}

async function settled(ours: FargateStage, replicas: number): Promise<boolean> {
  const pods = await ours.podsOf('d');
  if (pods.length !== replicas || !pods.every(isReady)) return false;
  for (const pod of pods) {
    assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0, 'nothing was to be restarted');
  }
  const live = await ours.tasks('RUNNING');
  const attempts = [...live, ...(await ours.tasks('STOPPED'))].map(({ startedBy, group }) => `${startedBy} ${group}`);
  assert.equal(new Set(attempts).size, attempts.length, `two tasks of one attempt:\n${attempts.toSorted().join('\n')}`);
  return (
    live.length === replicas && pods.every(({ metadata }) => live.some(({ startedBy }) => startedBy === metadata?.uid))
  );
}
