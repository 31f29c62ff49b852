/** What containers and sandboxes of ours carry, so that they are found again. */
export const labels = {
  /** Whose they are: two local Fargates may share an engine. */
  instance: 'local-fargate.instance',
  task: 'local-fargate.task',
  container: 'local-fargate.container',
  /** Restarts before this run. */
  run: 'local-fargate.run',
} as const;

export function sandboxName(taskId: string): string {
  return `fargate-${taskId}`;
}

export function containerName(taskId: string, container: string, run: number): string {
  return `fargate-${taskId}-${container}-${run}`;
}

/** What a task's containers call themselves. */
export function hostnameOf(taskId: string): string {
  return `fargate-${taskId.slice(0, 12)}`;
}
