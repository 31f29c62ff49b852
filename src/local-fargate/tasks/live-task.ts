import type { Runtime } from '../../runtime/runtime.ts';
import { isAbortOf } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type { Account } from '../account.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import type { TaskDefinition } from '../ecs/task-definition.ts';
import type { Switches } from '../switches/switches.ts';
import { HealthWatch } from './health-watch.ts';
import type { Images } from './images.ts';
import type { MetadataUris } from './metadata-uris.ts';
import type { SecretSources } from './secret-values.ts';
import type { StopCode, Task, TaskContainer } from './task.ts';
import type { TaskLogs } from './task-logs.ts';
import type { TaskChange, TaskStore } from './task-store.ts';

/** What running tasks takes. */
export interface TaskDeps {
  readonly account: Account;
  /** Marks our containers among others of the same engine. */
  readonly instance: string;
  /** Where volumes are kept. */
  readonly stateDir: string;
  readonly runtime: Runtime;
  readonly tasks: TaskStore;
  readonly findDefinition: (family: string, revision: number) => TaskDefinition | undefined;
  readonly images: Images;
  readonly secrets: SecretSources;
  readonly logs: TaskLogs;
  readonly metadata: MetadataUris;
  readonly switches: Switches;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a task's containers need before they can be made; secret values are nowhere but here. */
export interface Prepared {
  readonly imageIds: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** A task that has not stopped, in the hands of this process. */
export class LiveTask {
  readonly id: string;
  readonly deps: TaskDeps;
  readonly definition: TaskDefinition;
  readonly health: HealthWatch;
  prepared: Prepared | undefined;
  readonly #interrupt = new AbortController();
  #changes = 0;
  #wake: (() => void) | undefined;

  constructor(task: Task, deps: TaskDeps) {
    const definition = deps.findDefinition(task.family, task.revision);
    if (!definition) throw new CodedError('Internal', `${task.definitionArn}, which a task runs, is gone`);
    this.id = task.id;
    this.deps = deps;
    this.definition = definition;
    this.health = new HealthWatch({ ...deps, tell: (name, health) => this.#noteHealth(name, health) });
    if (task.desiredStatus === 'STOPPED') this.#interrupt.abort(interruption());
  }

  get task(): Task {
    const task = this.deps.tasks.get(this.id);
    if (!task) throw new CodedError('Internal', `the record of task ${this.id} is gone`);
    return task;
  }

  get containers(): readonly ContainerDefinition[] {
    return this.definition.containerDefinitions;
  }

  change(change: TaskChange): Task {
    return this.deps.tasks.change(this.id, change);
  }

  /** Writes what of this container has changed. */
  changeContainer(name: string, change: Partial<TaskContainer>): void {
    this.change({
      containers: this.task.containers.map((container) =>
        container.name === name ? { ...container, ...change } : container,
      ),
    });
  }

  /** The task shall end, for this reason; the first reason counts, but a later call without a warning ends the warning. */
  stop(stopCode: StopCode, stoppedReason: string, options: { readonly warningMs?: number } = {}): Task {
    const { task } = this;
    const nowMs = this.deps.clock.now();
    if (task.desiredStatus === 'STOPPED') {
      const hurried = options.warningMs === undefined && (task.stopNotBeforeMs ?? 0) > nowMs;
      const now = hurried ? this.change({ stopNotBeforeMs: nowMs }) : task;
      this.wake();
      return now;
    }
    const stopped = this.change({
      desiredStatus: 'STOPPED',
      stopCode,
      stoppedReason,
      stoppingAtMs: nowMs,
      ...(options.warningMs === undefined ? {} : { stopNotBeforeMs: nowMs + options.warningMs }),
    });
    this.#interrupt.abort(interruption());
    this.wake();
    return stopped;
  }

  /** Stays in the present state for as long as the switches say. */
  async pause(signal: AbortSignal): Promise<void> {
    const delayMs = this.deps.switches.latencyMs(this.task.status);
    if (delayMs > 0) await this.deps.clock.sleep(delayMs, { signal });
  }

  /** A signal for the way up: it also aborts when the task shall end. */
  whileWanted(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#interrupt.signal]);
  }

  wasInterruption(error: unknown): boolean {
    return isAbortOf(this.#interrupt.signal, error);
  }

  /** Something may have changed: whoever waits looks again. */
  wake(): void {
    this.#changes++;
    this.#wake?.();
  }

  /** To be taken before looking, and given to `waitForChange` after it, so that no change is slept through. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves on the first `wake` since `changes` was read, or at `untilMs`. */
  async waitForChange(
    changes: number,
    { signal, untilMs }: { readonly signal: AbortSignal; readonly untilMs?: number | undefined },
  ): Promise<void> {
    if (this.#changes !== changes) return;
    const { clock } = this.deps;
    await new Promise<void>((resolve, reject) => {
      const timer = untilMs === undefined ? undefined : clock.after(untilMs - clock.now(), () => end(resolve));
      const onAbort = (): void => end(() => reject(signal.reason as Error));
      const end = (settle: () => void): void => {
        timer?.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        settle();
      };
      this.#wake = () => end(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** As `changeContainer`, for what makes no new version of the task. */
  noteContainer(name: string, change: Partial<TaskContainer>): void {
    const containers = this.task.containers.map((it) => (it.name === name ? { ...it, ...change } : it));
    this.deps.tasks.note(this.id, { containers });
  }

  #noteHealth(name: string, health: TaskContainer['health'] & string): void {
    this.noteContainer(name, { health });
    this.wake();
  }
}

function interruption(): CodedError {
  return new CodedError('Terminal', 'the task shall end');
}
