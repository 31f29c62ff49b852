import type { ContainerInfo } from '../../runtime/runtime.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import { labels } from './labels.ts';
import type { Task, TaskContainer } from './task.ts';

/** ECS restarts a container only where it ran for this long, unless its policy says otherwise. */
const defaultRestartAttemptPeriodSeconds = 300;

export interface Observed {
  readonly containers: readonly TaskContainer[];
  /** Names of those that ended and that their restart policy brings up again. */
  readonly restarts: readonly string[];
  /** The present run of each container that there is. */
  readonly runs: ReadonlyMap<string, ContainerInfo>;
}

/** What the runtime's containers say about a task's. */
export function observeContainers(
  task: Task,
  definitions: readonly ContainerDefinition[],
  infos: readonly ContainerInfo[],
): Observed {
  const runs = presentRuns(infos);
  const restarts: string[] = [];
  const containers = task.containers.map((container) => {
    const info = runs.get(container.name);
    const definition = definitions.find(({ name }) => name === container.name);
    if (info === undefined) return withoutRun(container);
    const observed = withRun(container, info);
    if (observed.lastStatus !== 'STOPPED' || !restartsAfter(observed, { task, definition })) return observed;
    restarts.push(container.name);
    return container;
  });
  return { containers, restarts, runs };
}

/** The highest run of each container. */
function presentRuns(infos: readonly ContainerInfo[]): ReadonlyMap<string, ContainerInfo> {
  const runs = new Map<string, ContainerInfo>();
  for (const info of infos) {
    const name = info.labels[labels.container];
    if (name === undefined) continue;
    const other = runs.get(name);
    if (!other || runOf(info) > runOf(other)) runs.set(name, info);
  }
  return runs;
}

/** How many runs of its container came before. */
export function runOf(info: ContainerInfo): number {
  return Number(info.labels[labels.run] ?? 0);
}

/** Somebody removed a container that ran. */
function withoutRun(container: TaskContainer): TaskContainer {
  if (container.lastStatus !== 'RUNNING') return container;
  return { ...container, lastStatus: 'STOPPED', reason: 'ContainerRuntimeError: The container is gone.' };
}

function withRun(container: TaskContainer, info: ContainerInfo): TaskContainer {
  if (container.lastStatus === 'STOPPED') return container;
  const known = { ...container, runtimeId: info.id, createdAtMs: info.createdAtMs, restartCount: runOf(info) };
  const { state } = info;
  switch (state.kind) {
    case 'created':
      return known;
    case 'running':
      return { ...known, lastStatus: 'RUNNING', startedAtMs: state.startedAtMs };
    case 'exited':
      return {
        ...known,
        lastStatus: 'STOPPED',
        exitCode: state.exitCode,
        startedAtMs: state.startedAtMs,
        finishedAtMs: state.finishedAtMs,
        ...(state.oomKilled ? { reason: 'OutOfMemoryError: Container killed due to memory usage' } : {}),
        ...(state.error === undefined
          ? {}
          : { reason: `CannotStartContainerError: ${state.error}`, neverStarted: true }),
      };
  }
}

function restartsAfter(
  ended: TaskContainer,
  { task, definition }: { readonly task: Task; readonly definition: ContainerDefinition | undefined },
): boolean {
  const policy = definition?.restartPolicy;
  if (!policy?.enabled || task.desiredStatus === 'STOPPED' || ended.neverStarted) return false;
  if (ended.exitCode !== undefined && policy.ignoredExitCodes?.includes(ended.exitCode)) return false;
  const ranMs = (ended.finishedAtMs ?? 0) - (ended.startedAtMs ?? 0);
  return ranMs >= (policy.restartAttemptPeriod ?? defaultRestartAttemptPeriodSeconds) * 1000;
}
