import type { Clock } from '../../../support/clock.ts';
import type { Logger } from '../../../support/logger.ts';
import { type CallOptions, describeLimit, type EcsApi } from '../ecs/ecs-api.ts';
import { type EcsTask, hasStopped } from '../ecs/ecs-task.ts';

/** What the poller is given to look at. */
export interface WatchedTask {
  readonly task: EcsTask;
  /** Whether state change events do not tell all of it: they say nothing of health checks. */
  readonly needsHealth: boolean;
}

export interface TaskPollerOptions {
  readonly ecs: EcsApi;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether state change events come too: then looking is a second way, and slow. */
  readonly hasEvents: boolean;
  /** Everything that is worth a look, asked for anew before each round. */
  readonly tasks: () => Iterable<WatchedTask>;
  /** Takes what ECS said, and which of those that were asked for it does not know. */
  readonly take: (found: readonly EcsTask[], missing: readonly string[]) => void;
}

/** How long a look is good for, in milliseconds: longer with more tasks, since a call is for a hundred of them. */
interface Pace {
  readonly perTaskMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Of tasks that start or stop. */
const movingPace: Pace = { perTaskMs: 50, leastMs: 1000, mostMs: 6000 };
/** Of tasks that run. */
const steadyPace: Pace = { perTaskMs: 10, leastMs: 5000, mostMs: 30_000 };
/** Beside events. */
const slowMovingPace: Pace = { perTaskMs: 0, leastMs: 15_000, mostMs: 15_000 };
const slowSteadyPace: Pace = { perTaskMs: 0, leastMs: 300_000, mostMs: 300_000 };
/** Calls at the same time. */
const callsAtOnce = 4;
const afterErrorMs = 5000;

interface Look {
  readonly arn: string;
  readonly dueAtMs: number;
}

/**
 * Asks ECS how tasks are doing, a hundred a call, never one pod a call: often while something goes on, seldom while
 * nothing does. A call that is needed is filled up with tasks that would be due next.
 */
export class TaskPoller {
  readonly #options: TaskPollerOptions;
  readonly #lookedAtMs = new Map<string, number>();
  #wake: (() => void) | undefined;

  constructor(options: TaskPollerOptions) {
    this.#options = options;
  }

  /** There are new tasks, or some that begin to move: when to look next is reckoned anew. */
  wake(): void {
    this.#wake?.();
  }

  /** Polls until the signal aborts, then resolves. Errors are logged, and the next round comes. */
  async run({ signal }: CallOptions): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const looks = this.#looks();
      const nextAtMs = looks[0]?.dueAtMs;
      if (nextAtMs === undefined || nextAtMs > clock.now()) {
        await this.#pause(nextAtMs === undefined ? undefined : nextAtMs - clock.now(), signal);
        continue;
      }
      try {
        await this.#look(looks, { signal });
      } catch (error) {
        if (signal.aborted) return;
        log.warn('ECS does not tell how tasks are doing; asking again', { error });
        await this.#pause(afterErrorMs, signal);
      }
    }
  }

  /** All tasks, those first that are due first. */
  #looks(): Look[] {
    const { clock, tasks, hasEvents } = this.#options;
    const nowMs = clock.now();
    const watched = [...tasks()].filter(({ task }) => !hasStopped(task));
    const moving = watched.filter(({ task }) => isMoving(task)).length;
    const movingMs = paceMs(hasEvents ? slowMovingPace : movingPace, moving);
    const steadyMs = paceMs(steadyPace, watched.length - moving);
    const slowMs = hasEvents ? paceMs(slowSteadyPace, watched.length - moving) : steadyMs;
    const looks = watched.map(({ task, needsHealth }): Look => {
      const lookedAtMs = this.#lookedAtMs.get(task.arn) ?? nowMs;
      this.#lookedAtMs.set(task.arn, lookedAtMs);
      const goodMs = isMoving(task) ? movingMs : needsHealth ? steadyMs : slowMs;
      return { arn: task.arn, dueAtMs: lookedAtMs + goodMs };
    });
    if (this.#lookedAtMs.size > 2 * looks.length + describeLimit) this.#forgetOthers(looks);
    return looks.sort((a, b) => a.dueAtMs - b.dueAtMs);
  }

  async #look(looks: readonly Look[], options: CallOptions): Promise<void> {
    const { ecs, clock, take } = this.#options;
    const nowMs = clock.now();
    const due = looks.filter(({ dueAtMs }) => dueAtMs <= nowMs).length;
    const calls = Math.ceil(due / describeLimit);
    const batches = Array.from({ length: calls }, (_, index) =>
      looks.slice(index * describeLimit, (index + 1) * describeLimit).map(({ arn }) => arn),
    ).values();
    const work = async (): Promise<void> => {
      for (const arns of batches) {
        const found = await ecs.describeTasks(arns, options);
        for (const arn of arns) this.#lookedAtMs.set(arn, clock.now());
        const known = new Set(found.map(({ arn }) => arn));
        take(
          found,
          arns.filter((arn) => !known.has(arn)),
        );
      }
    };
    await Promise.all(Array.from({ length: Math.min(callsAtOnce, calls) }, work));
  }

  #forgetOthers(looks: readonly Look[]): void {
    const watched = new Set(looks.map(({ arn }) => arn));
    for (const arn of this.#lookedAtMs.keys()) if (!watched.has(arn)) this.#lookedAtMs.delete(arn);
  }

  /** Until the time has passed, somebody wakes it, or the signal aborts. */
  #pause(delayMs: number | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer?.cancel();
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      const timer = delayMs === undefined ? undefined : this.#options.clock.after(delayMs, end);
      signal.addEventListener('abort', end, { once: true });
      this.#wake = end;
      if (signal.aborted) end();
    });
  }
}

/** Whether the task is on its way up or down. */
function isMoving({ status, desiredStatus }: EcsTask): boolean {
  return status !== 'RUNNING' || desiredStatus === 'STOPPED';
}

function paceMs({ perTaskMs, leastMs, mostMs }: Pace, count: number): number {
  return Math.min(Math.max(perTaskMs * count, leastMs), mostMs);
}
