import { z } from 'zod';
import type { TaskStatus } from '../tasks/task.ts';

/** How long each state lasts at least when starting takes as long as on Fargate; pulling comes on top. */
const realLatencyMs: Partial<Record<TaskStatus, number>> = {
  PROVISIONING: 16_000,
  PENDING: 4000,
  ACTIVATING: 15_000,
  DEPROVISIONING: 12_000,
};

export const switchesSchema = z.strictObject({
  /** `none`: as fast as containers start. `real`: about as long as on Fargate. */
  startLatency: z.enum(['none', 'real']),
  /** Tasks of each market that may live at the same time; null for as many as wanted, 0 for none. */
  capacity: z.strictObject({
    FARGATE: z.number().int().min(0).nullable(),
    FARGATE_SPOT: z.number().int().min(0).nullable(),
  }),
  /** 0: calls are never throttled. 1: AWS's documented rates. Other factors multiply them. */
  throttling: z.number().min(0),
  /** So many of the next tasks fail to start, for this reason. */
  failStarts: z.strictObject({ count: z.number().int().min(0), reason: z.string() }),
  /** A new task is not found by DescribeTasks and ListTasks for so long. */
  consistencyDelayMs: z.number().int().min(0),
});

export type SwitchPositions = z.output<typeof switchesSchema>;

export const defaultPositions: SwitchPositions = {
  startLatency: 'none',
  capacity: { FARGATE: null, FARGATE_SPOT: null },
  throttling: 1,
  failStarts: { count: 0, reason: 'ResourceInitializationError: made to fail by the switch failStarts' },
  consistencyDelayMs: 0,
};

/** What users and tests can turn while the server runs. */
export class Switches {
  #positions: SwitchPositions;

  constructor(positions: SwitchPositions) {
    this.#positions = positions;
  }

  get positions(): SwitchPositions {
    return this.#positions;
  }

  /** Turns those that are named. */
  turn(change: Partial<SwitchPositions>): void {
    this.#positions = { ...this.#positions, ...change };
  }

  latencyMs(status: TaskStatus): number {
    return this.#positions.startLatency === 'real' ? (realLatencyMs[status] ?? 0) : 0;
  }

  /** The reason why the next task fails to start, where it is to fail. */
  takeStartFailure(): string | undefined {
    const { count, reason } = this.#positions.failStarts;
    if (count === 0) return undefined;
    this.turn({ failStarts: { count: count - 1, reason } });
    return reason;
  }
}
