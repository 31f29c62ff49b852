import { CodedError } from '../../support/errors.ts';
import { labels } from './labels.ts';
import { LiveTask, type TaskDeps } from './live-task.ts';
import { runTask } from './run-task.ts';
import { isLive, type Task } from './task.ts';
import { watchContainers } from './watch-containers.ts';

/** Every task is looked at this often though nothing was heard of it. */
const resyncMs = 60_000;

/** Holds every live task of this process. */
export class TaskManager {
  readonly #deps: TaskDeps;
  readonly #live = new Map<string, LiveTask>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(deps: TaskDeps) {
    this.#deps = deps;
  }

  /**
   * Removes what belongs to no task and goes on with the tasks that an earlier process left, until the signal aborts.
   * Rejects where the runtime does not answer.
   */
  async begin(signal: AbortSignal): Promise<void> {
    await this.#removeOrphans(signal);
    this.#signal = signal;
    for (const task of [...this.#deps.tasks.values()]) if (isLive(task)) this.start(task);
  }

  /** Listens to the runtime until the signal aborts. Tasks stay as they are then: their containers run on. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = watchContainers(this.#deps.runtime, this.#deps.instance, {
      ...this.#deps,
      signal,
      changed: (id) => this.#live.get(id)?.wake(),
      allChanged: () => this.#wakeAll(),
    });
    while (!signal.aborted) {
      await this.#deps.clock.sleep(resyncMs, { signal }).catch(() => {});
      if (!signal.aborted) this.#wakeAll();
    }
    await Promise.all([watching, ...this.#running]);
  }

  /** Takes a recorded task in hand; `begin` comes before. */
  start(task: Task): void {
    const signal = this.#signal;
    if (!signal) throw new TypeError('begin comes before start');
    const live = new LiveTask(task, this.#deps);
    this.#live.set(task.id, live);
    const running = runTask(live, signal).finally(() => {
      this.#live.delete(task.id);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  /** The live task of this id; `NotFound` where it has stopped. */
  get(id: string): LiveTask {
    const live = this.#live.get(id);
    if (!live) throw new CodedError('NotFound', `task ${id} is not running`);
    return live;
  }

  #wakeAll(): void {
    for (const live of this.#live.values()) live.wake();
  }

  async #removeOrphans(signal: AbortSignal): Promise<void> {
    const { runtime, instance, tasks, log } = this.#deps;
    for (const sandbox of await runtime.listSandboxes({ [labels.instance]: instance }, { signal })) {
      const task = tasks.get(sandbox.labels[labels.task] ?? '');
      if (task && isLive(task)) continue;
      log.info('removing what is left of a task that is no more', { sandbox: sandbox.name });
      await runtime.removeSandbox(sandbox.id, { signal });
    }
  }
}
