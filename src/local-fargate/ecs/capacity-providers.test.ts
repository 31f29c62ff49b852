import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from './capacity-providers.ts';

const onDemand = (weight: number, base = 0) => ({ capacityProvider: 'FARGATE', weight, base });
const spot = (weight: number, base = 0) => ({ capacityProvider: 'FARGATE_SPOT', weight, base });
const spots = (markets: readonly string[]) => markets.filter((market) => market === 'FARGATE_SPOT').length;

test('bases are filled first, the rest goes by weight', () => {
  const markets = spread([onDemand(1, 2), spot(3)], 10);
  assert.deepEqual(markets.slice(0, 2), ['FARGATE', 'FARGATE']);
  assert.equal(spots(markets), 6);
});

test('a weight of zero takes no tasks beyond its base', () => {
  assert.equal(spots(spread([onDemand(0), spot(1)], 10)), 10);
});

test('a provider that there is not and a strategy without weight are refused', () => {
  assert.throws(() => spread([{ capacityProvider: 'MINE', weight: 1, base: 0 }], 1), /does not exist/);
  assert.throws(() => spread([onDemand(0)], 1), /weight greater than zero/);
});
