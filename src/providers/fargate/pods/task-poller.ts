import type { Clock } from '../../../support/clock.ts';
import type { Logger } from '../../../support/logger.ts';
import { type CallOptions, describeLimit, type EcsApi } from '../ecs/ecs-api.ts';
import { type EcsTask, hasStopped } from '../ecs/ecs-task.ts';
import { steadyPaceMs, wavePaceMs } from './task-pace.ts';

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

/** How long a look is good for beside events, in milliseconds: at tasks that start or stop, and at those that run. */
const movingBesideEventsMs = 15_000;
const steadyBesideEventsMs = 300_000;
/** Tasks that begin to move within so long of the first are one wave with it. */
const joinMs = 60_000;
/** Whoever wakes the poller is not alone, mostly: it waits for others before it reckons anew. */
const wakeMs = 100;
/** Calls at the same time. */
const callsAtOnce = 4;
const afterErrorMs = 5000;

/** Tasks that began to start or stop at about the same time; they are looked at together. */
interface Wave {
  readonly beganAtMs: number;
  /** All that ever belonged to it. */
  size: number;
  /** Those that are still on their way. It is over when there is none. */
  moving: number;
}

/** What is known of a task beside its state. */
interface Attention {
  lookedAtMs: number;
  isMoving: boolean;
  /** The last one that it began to move in. Until that is over, its pace is the wave's, though the task itself runs. */
  wave: Wave | undefined;
}

interface Look {
  readonly arn: string;
  readonly dueAtMs: number;
}

/**
 * Asks ECS how tasks are doing, a hundred a call, never one pod a call: often while something goes on, seldom while
 * nothing does, and the less often the more tasks it takes the longer. A call that is needed is filled up with tasks that
 * would be due next.
 */
export class TaskPoller {
  readonly #options: TaskPollerOptions;
  readonly #attention = new Map<string, Attention>();
  #wave: Wave = { beganAtMs: 0, size: 0, moving: 0 };
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
    const nowMs = this.#options.clock.now();
    const watched = [...this.#options.tasks()].filter(({ task }) => !hasStopped(task));
    const attentions = this.#attend(watched, nowMs);
    const steadyMs = steadyPaceMs(attentions.filter(({ isMoving }) => !isMoving).length);
    const looks = watched.map((each, index): Look => {
      const attention = attentions[index] as Attention;
      return { arn: each.task.arn, dueAtMs: attention.lookedAtMs + this.#goodMs(each, attention, steadyMs) };
    });
    return looks.sort((a, b) => a.dueAtMs - b.dueAtMs);
  }

  /** Takes notice of which tasks there are and which of them have begun to move, and counts anew who moves in a wave. */
  #attend(watched: readonly WatchedTask[], nowMs: number): Attention[] {
    const attentions = watched.map(
      ({ task }) => this.#attention.get(task.arn) ?? { lookedAtMs: nowMs, isMoving: false, wave: undefined },
    );
    this.#attention.clear();
    this.#wave.moving = 0;
    for (const { wave } of attentions) if (wave) wave.moving = 0;
    const begin: Attention[] = [];
    for (const [index, { task }] of watched.entries()) {
      const attention = attentions[index] as Attention;
      this.#attention.set(task.arn, attention);
      const moves = isMoving(task);
      if (moves && attention.isMoving && attention.wave) attention.wave.moving += 1;
      else if (moves) begin.push(attention);
      attention.isMoving = moves;
    }
    for (const attention of begin) attention.wave = this.#join(nowMs);
    return attentions;
  }

  /** The present wave, or a new one where that is over or has begun long ago. */
  #join(nowMs: number): Wave {
    if (this.#wave.moving === 0 || nowMs - this.#wave.beganAtMs > joinMs) {
      this.#wave = { beganAtMs: nowMs, size: 0, moving: 0 };
    }
    this.#wave.size += 1;
    this.#wave.moving += 1;
    return this.#wave;
  }

  /** How long the last look at the task is good for. */
  #goodMs({ needsHealth }: WatchedTask, { isMoving: moves, wave, lookedAtMs }: Attention, steadyMs: number): number {
    if (this.#options.hasEvents) return moves ? movingBesideEventsMs : needsHealth ? steadyMs : steadyBesideEventsMs;
    const waveMs = wave && wave.moving > 0 ? wavePaceMs(wave.size, lookedAtMs - wave.beganAtMs) : 0;
    return moves ? waveMs : Math.max(waveMs, steadyMs);
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
        for (const arn of arns) {
          const attention = this.#attention.get(arn);
          if (attention) attention.lookedAtMs = clock.now();
        }
        const known = new Set(found.map(({ arn }) => arn));
        take(
          found,
          arns.filter((arn) => !known.has(arn)),
        );
      }
    };
    await Promise.all(Array.from({ length: Math.min(callsAtOnce, calls) }, work));
  }

  /** Until the time has passed, somebody wakes it, or the signal aborts. */
  #pause(delayMs: number | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        timer?.cancel();
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      let timer = delayMs === undefined ? undefined : clock.after(delayMs, end);
      signal.addEventListener('abort', end, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        timer?.cancel();
        timer = clock.after(Math.min(delayMs ?? wakeMs, wakeMs), end);
      };
      if (signal.aborted) end();
    });
  }
}

/** Whether the task is on its way up or down. */
function isMoving({ status, desiredStatus }: EcsTask): boolean {
  return status !== 'RUNNING' || desiredStatus === 'STOPPED';
}
