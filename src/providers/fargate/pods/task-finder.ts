import type { PodRef } from '../../../kubernetes/objects.ts';
import { type TaskIdentity, taskIdentity } from '../attempt.ts';
import { type CallOptions, describeLimit, type EcsApi } from '../ecs/ecs-api.ts';
import type { EcsTask } from '../ecs/ecs-task.ts';

/** A task that says it is of a pod of this node. */
export interface FoundTask {
  readonly task: EcsTask;
  readonly identity: TaskIdentity;
}

/**
 * Finds the tasks of our pods among all of the cluster, whoever started them. There is no filter for that: ECS finds
 * running tasks by one exact `startedBy`, stopped ones not even so. Tasks of others are asked for once.
 */
export class TaskFinder {
  readonly #ecs: EcsApi;
  readonly #owner: string;
  #foreign = new Set<string>();

  constructor({ ecs, owner }: { readonly ecs: EcsApi; readonly owner: string }) {
    this.#ecs = ecs;
    this.#owner = owner;
  }

  /** All of ours: those that run, and those that ECS still remembers, for an hour after their end. */
  async findAll(options: CallOptions): Promise<FoundTask[]> {
    const running = await this.#ecs.listTasks('RUNNING', options);
    const stopped = await this.#ecs.listTasks('STOPPED', options);
    return this.#describe([...new Set([...running, ...stopped])], options);
  }

  /** Those that should run and are not known. */
  async findNew(isKnown: (arn: string) => boolean, options: CallOptions): Promise<FoundTask[]> {
    const running = await this.#ecs.listTasks('RUNNING', options);
    const present = new Set(running);
    this.#foreign = new Set([...this.#foreign].filter((arn) => present.has(arn)));
    return this.#describe(
      running.filter((arn) => !isKnown(arn) && !this.#foreign.has(arn)),
      options,
    );
  }

  /** Those of one pod that should run. */
  async findOf({ uid }: PodRef, options: CallOptions): Promise<FoundTask[]> {
    return this.#describe(await this.#ecs.listTasksStartedBy(uid, options), options);
  }

  /** The task's identity, where it is of this node. */
  identify(task: EcsTask): FoundTask | undefined {
    const identity = taskIdentity(task.startedBy, task.group);
    return identity?.owner === this.#owner ? { task, identity } : undefined;
  }

  async #describe(arns: readonly string[], options: CallOptions): Promise<FoundTask[]> {
    const found: FoundTask[] = [];
    for (let from = 0; from < arns.length; from += describeLimit) {
      for (const task of await this.#ecs.describeTasks(arns.slice(from, from + describeLimit), options)) {
        const ours = this.identify(task);
        if (ours === undefined) this.#foreign.add(task.arn);
        else found.push(ours);
      }
    }
    return found;
  }
}
