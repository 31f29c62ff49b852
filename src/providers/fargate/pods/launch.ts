/** How far the start of a pod's task has come; outlives a try that failed, so that the next one goes on from there. */
export interface Launch {
  /** The attempt that RunTask was last called for. Lower numbers are used up. */
  number: number;
  /**
   * Since when there may be a task that nobody can see: RunTask's answer was lost, or it named tasks that ECS does not
   * know (yet). Undefined while all that RunTask may have made is known.
   */
  unsureSinceMs: number | undefined;
}

export function createLaunch(): Launch {
  return { number: 0, unsureSinceMs: undefined };
}

/** Whether there is anything to remember of it. */
export function hasBegun({ number, unsureSinceMs }: Launch): boolean {
  return number > 0 || unsureSinceMs !== undefined;
}
