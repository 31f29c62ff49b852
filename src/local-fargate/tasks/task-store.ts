import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type { Collection } from '../store/collection.ts';
import { type Task, taskEdges } from './task.ts';

/** How long a stopped task can still be described. */
const stoppedRetentionMs = 3_600_000;

export type TaskChange = Partial<Omit<Task, 'id' | 'arn' | 'version' | 'updatedAtMs'>>;

/** All tasks, and the one place where they change. */
export class TaskStore {
  readonly #collection: Collection<Task>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners = new Set<(task: Task, before: Task | undefined) => void>();

  constructor(collection: Collection<Task>, options: { readonly clock: Clock; readonly log: Logger }) {
    this.#collection = collection;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Tells of each new version of a task. */
  onChange(listener: (task: Task, before: Task | undefined) => void): void {
    this.#listeners.add(listener);
  }

  get(id: string): Task | undefined {
    const task = this.#collection.get(id);
    return task && !this.#isPast(task) ? task : undefined;
  }

  values(): IteratorObject<Task, undefined> {
    return this.#collection.values().filter((task) => !this.#isPast(task));
  }

  add(task: Task): void {
    this.#collection.set(task.id, task);
    this.#tell(task, undefined);
  }

  /** A change that callers are told of: the version goes up. Throws `Internal` for a step that no task can take. */
  change(id: string, change: TaskChange): Task {
    const before = this.#get(id);
    if (change.status && change.status !== before.status) {
      if (!taskEdges[before.status].includes(change.status)) {
        throw new CodedError('Internal', `task ${id} cannot go from ${before.status} to ${change.status}`);
      }
      this.#log.debug('a task moves on', { task: id, from: before.status, to: change.status });
    }
    const task: Task = { ...before, ...change, version: before.version + 1, updatedAtMs: this.#clock.now() };
    this.#collection.set(id, task);
    this.#tell(task, before);
    return task;
  }

  /** A change without a new version: health and tags, of which ECS sends no events. */
  note(id: string, change: Pick<TaskChange, 'containers' | 'tags'>): void {
    this.#collection.set(id, { ...this.#get(id), ...change });
  }

  /** Forgets tasks that stopped more than an hour ago, and gives their ids. */
  sweep(): readonly string[] {
    const past = [...this.#collection.values().filter((task) => this.#isPast(task))].map(({ id }) => id);
    for (const id of past) this.#collection.delete(id);
    return past;
  }

  #isPast(task: Task): boolean {
    return task.stoppedAtMs !== undefined && this.#clock.now() - task.stoppedAtMs > stoppedRetentionMs;
  }

  #get(id: string): Task {
    const task = this.#collection.get(id);
    if (!task) throw new CodedError('NotFound', `there is no task ${id}`);
    return task;
  }

  #tell(task: Task, before: Task | undefined): void {
    for (const listener of this.#listeners) listener(task, before);
  }
}
