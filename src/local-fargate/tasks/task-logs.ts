import type { ContainerDefinition } from '../ecs/container-definition.ts';
import type { Task } from './task.ts';

/** Brings containers' output to CloudWatch Logs. */
export interface TaskLogs {
  /** Makes the stream of this container. Throws a `TaskFailure` where its group is missing. */
  open(task: Task, container: ContainerDefinition): void;
  /** Begins, or goes on after a restart, to copy the output of a container that exists. */
  follow(runtimeId: string, task: Task, container: ContainerDefinition): void;
  /** Copies what is left of a container that has ended, and lets go of it. */
  drain(runtimeId: string): Promise<void>;
  /** The container is removed: there will be no more of it. */
  forget(runtimeId: string): void;
}
