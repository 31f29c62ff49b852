import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashRound } from '../../src/providers/fargate/testing/crash-round.ts';
import { FargateBed } from '../../src/providers/fargate/testing/fargate-bed.ts';
import { seededRandom } from '../../src/support/random.ts';

/** From the call that starts a task until it is seen to run; a hundred rounds are to come by all of it. */
const places = ['before RunTask', 'after RunTask', 'before DescribeTasks', 'after DescribeTasks'];

test('kill -9 between any two calls to Fargate, 100 rounds', async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const bed = await FargateBed.start();
  context.after(() => bed.stop());
  const random = seededRandom(seed);
  const deaths = new Map<string, number>();
  for (let round = 0; round < 100; round++) {
    for (const place of await crashRound(bed, random)) deaths.set(place, (deaths.get(place) ?? 0) + 1);
  }
  context.diagnostic(`died ${[...deaths].map(([place, count]) => `${place} ${count} times`).join(', ')}`);
  for (const place of places) assert.ok(deaths.has(place), `nobody died ${place}`);
});
