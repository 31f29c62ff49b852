import { test } from 'node:test';
import { seededRandom } from '../../support/random.ts';
import { crashRound } from './testing/crash-round.ts';
import { FargateBed } from './testing/fargate-bed.ts';

/** The soak makes a hundred. */
const rounds = 4;

test('processes that die between any two calls leave one task an attempt and one live task a pod', async (t) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const bed = await FargateBed.start();
  t.after(() => bed.stop());
  const random = seededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    t.diagnostic(`died: ${(await crashRound(bed, random)).join(', ')}`);
  }
});
