import type { Clock } from '../../../support/clock.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/**
 * What AWS takes of an account in a Region, as it documents. All pods share these; whatever else the account does there
 * is not known here, and shows as throttling.
 */
const rates = {
  clusterReads: { burst: 50, perSecond: 20 },
  clusterChanges: { burst: 20, perSecond: 1 },
  definitionReads: { burst: 50, perSecond: 20 },
  /** RegisterTaskDefinition and DeregisterTaskDefinition together. */
  definitionChanges: { burst: 20, perSecond: 1 },
  definitionDeletions: { burst: 5, perSecond: 1 },
  /** RunTask, StopTask and ExecuteCommand together. */
  taskChanges: { burst: 100, perSecond: 40 },
  /** DescribeTasks and ListTasks together. */
  taskReads: { burst: 100, perSecond: 20 },
  /** Tasks that start, On-Demand and Spot apart. */
  onDemandLaunches: { burst: 100, perSecond: 20 },
  spotLaunches: { burst: 100, perSecond: 20 },
  logReads: { burst: 25, perSecond: 25 },
  secretReads: { burst: 100, perSecond: 100 },
  secretChanges: { burst: 50, perSecond: 50 },
} as const satisfies Readonly<Record<string, Rate>>;

export type BudgetName = keyof typeof rates;

export type Budgets = Readonly<Record<BudgetName, TokenBucket>>;

export function createBudgets(clock: Clock): Budgets {
  return Object.fromEntries(
    Object.entries(rates).map(([name, rate]) => [name, new TokenBucket(rate, clock)]),
  ) as unknown as Budgets;
}
