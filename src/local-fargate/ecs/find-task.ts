import { nameOf } from '../account.ts';
import type { Task } from '../tasks/task.ts';
import type { Cluster } from './clusters.ts';

/** A task by id or ARN, where it is in this cluster. */
export function findTask(
  idOrArn: string,
  cluster: Cluster,
  tasks: { readonly get: (id: string) => Task | undefined },
): Task | undefined {
  const id = nameOf(idOrArn, 'task').split('/').at(-1) ?? '';
  const task = tasks.get(id);
  if (!task || task.clusterArn !== cluster.arn) return undefined;
  return idOrArn.startsWith('arn:') && task.arn !== idOrArn ? undefined : task;
}
