import { test } from 'node:test';
import { crashRound } from '../../src/providers/fargate/testing/crash-round.ts';
import { FargateBed } from '../../src/providers/fargate/testing/fargate-bed.ts';
import { seededRandom } from '../../src/support/random.ts';

test('kill -9 between any two calls to Fargate, 100 rounds', async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const bed = await FargateBed.start();
  context.after(() => bed.stop());
  const random = seededRandom(seed);
  for (let round = 0; round < 100; round++) await crashRound(bed, random);
});
