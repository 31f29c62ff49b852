import { z } from 'zod';
import { AwsError } from '../protocol/aws-error.ts';

export type Market = 'FARGATE' | 'FARGATE_SPOT';

export const strategySchema = z
  .array(
    z.object({
      capacityProvider: z.string(),
      weight: z.number().int().min(0).max(1000).default(0),
      base: z.number().int().min(0).max(100_000).default(0),
    }),
  )
  .max(20);

export type Strategy = z.output<typeof strategySchema>;

/** Which provider each of `count` tasks goes to: bases first, then by weight. Throws `InvalidParameterException`. */
export function spread(strategy: Strategy, count: number): readonly Market[] {
  for (const { capacityProvider } of strategy) {
    if (capacityProvider !== 'FARGATE' && capacityProvider !== 'FARGATE_SPOT') {
      throw new AwsError('InvalidParameterException', 'The specified capacity provider does not exist.');
    }
  }
  if (strategy.every(({ weight, base }) => weight === 0 && base === 0)) {
    throw new AwsError(
      'InvalidParameterException',
      'At least one capacity provider must have a weight greater than zero.',
    );
  }
  const placed = strategy.map(() => 0);
  return Array.from({ length: count }, () => {
    let best = strategy.findIndex(({ base }, index) => (placed[index] ?? 0) < base);
    if (best < 0) best = lightest(strategy, placed);
    placed[best] = (placed[best] ?? 0) + 1;
    return strategy[best]?.capacityProvider === 'FARGATE_SPOT' ? 'FARGATE_SPOT' : 'FARGATE';
  });
}

/** The one that has least beyond its base for its weight. */
function lightest(strategy: Strategy, placed: readonly number[]): number {
  let best = 0;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const [index, { weight, base }] of strategy.entries()) {
    const load = weight === 0 ? Number.POSITIVE_INFINITY : ((placed[index] ?? 0) - base + 1) / weight;
    if (load < bestLoad) [best, bestLoad] = [index, load];
  }
  return best;
}
