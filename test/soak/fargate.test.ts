import { test } from 'node:test';
import { seededRandom } from '../../src/support/random.ts';
import { runFargateKillRounds } from '../e2e/fargate-kill-rounds.ts';
import { FargateServer } from '../e2e/fargate-server.ts';
import { FargateStage } from '../e2e/fargate-stage.ts';

/** Of a machine that has much else to do. */
const timeout = 3_600_000;

test('kill -9 between any two steps of a task’s start, 100 rounds', { timeout }, async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const fargate = await FargateServer.start();
  const ours = await FargateStage.set(context, fargate);
  context.after(() => fargate.stop());
  await runFargateKillRounds(ours, { rounds: 100, random: seededRandom(seed) });
});
