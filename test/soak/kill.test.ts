import { test } from 'node:test';
import { seededRandom } from '../../src/support/random.ts';
import { Stage } from '../e2e/harness.ts';
import { runKillRounds } from '../e2e/kill-rounds.ts';

test('kill -9 at random moments of a rollout, 100 rounds', async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const stage = await Stage.set(context);
  await runKillRounds(stage, { rounds: 100, random: seededRandom(seed) });
});
