import type { ContainerDefinition } from '../ecs/container-definition.ts';
import type { StopCode, Task, TaskContainer } from './task.ts';

/** The next thing to do for a task that should run. */
export type Plan =
  | { readonly kind: 'start'; readonly names: readonly string[] }
  /** A container that can never start. */
  | { readonly kind: 'give-up'; readonly name: string; readonly exitCode?: number; readonly reason: string }
  | { readonly kind: 'stop'; readonly stopCode: StopCode; readonly reason: string }
  /** Until something changes, or this moment comes. */
  | { readonly kind: 'wait'; readonly untilMs?: number };

/** Docker's exit code of a container that got SIGTERM, which ECS gives one that never ran for a failed dependency. */
const dependencyFailedExitCode = 143;

/** What ECS does next about containers in these states. Pure: the states are those of `task.containers`. */
export function planContainers(task: Task, definitions: readonly ContainerDefinition[], nowMs: number): Plan {
  const containers = new Map(task.containers.map((container) => [container.name, container]));
  const ended = definitions.find(({ essential, name }) => essential && containers.get(name)?.lastStatus === 'STOPPED');
  if (ended) {
    return containers.get(ended.name)?.neverStarted && task.startedAtMs === undefined
      ? { kind: 'stop', stopCode: 'TaskFailedToStart', reason: 'Task failed to start' }
      : { kind: 'stop', stopCode: 'EssentialContainerExited', reason: 'Essential container in task exited' };
  }
  const names: string[] = [];
  let untilMs: number | undefined;
  for (const definition of definitions) {
    if (containers.get(definition.name)?.lastStatus !== 'PENDING') continue;
    const verdict = judgeDependencies(definition, { containers, definitions, nowMs });
    if (verdict.kind === 'give-up') return verdict;
    if (verdict.kind === 'ready') names.push(definition.name);
    else if (verdict.untilMs !== undefined) untilMs = Math.min(untilMs ?? verdict.untilMs, verdict.untilMs);
  }
  if (names.length > 0) return { kind: 'start', names };
  return untilMs === undefined ? { kind: 'wait' } : { kind: 'wait', untilMs };
}

type Verdict = { readonly kind: 'ready' } | Extract<Plan, { readonly kind: 'give-up' | 'wait' }>;

interface Surroundings {
  readonly containers: ReadonlyMap<string, TaskContainer>;
  readonly definitions: readonly ContainerDefinition[];
  readonly nowMs: number;
}

function judgeDependencies(definition: ContainerDefinition, around: Surroundings): Verdict {
  let untilMs: number | undefined;
  let ready = true;
  for (const { containerName, condition } of definition.dependsOn ?? []) {
    const target = around.containers.get(containerName);
    if (!target || isMet(condition, target)) continue;
    ready = false;
    if (canNeverBe(condition, target)) {
      return {
        kind: 'give-up',
        name: definition.name,
        exitCode: dependencyFailedExitCode,
        reason:
          'CannotStartContainerError: dependency graph: failed to resolve container ordering dependency ' +
          `[${containerName}] for target [${definition.name}] as dependency did not exit successfully.`,
      };
    }
    const deadlineMs = startDeadlineMs(target, around.definitions);
    if (deadlineMs !== undefined && condition !== 'START') {
      if (around.nowMs >= deadlineMs) {
        return {
          kind: 'give-up',
          name: definition.name,
          reason:
            'CannotStartContainerError: dependency graph: container ordering dependency ' +
            `[${containerName}] for target [${definition.name}] has timed out.`,
        };
      }
      untilMs = Math.min(untilMs ?? deadlineMs, deadlineMs);
    }
  }
  if (ready) return { kind: 'ready' };
  return untilMs === undefined ? { kind: 'wait' } : { kind: 'wait', untilMs };
}

type Condition = NonNullable<ContainerDefinition['dependsOn']>[number]['condition'];

function isMet(condition: Condition, target: TaskContainer): boolean {
  switch (condition) {
    case 'START':
      return target.lastStatus !== 'PENDING';
    case 'COMPLETE':
      return target.lastStatus === 'STOPPED';
    case 'SUCCESS':
      return target.lastStatus === 'STOPPED' && target.exitCode === 0;
    case 'HEALTHY':
      return target.lastStatus === 'RUNNING' && target.health === 'HEALTHY';
  }
}

function canNeverBe(condition: Condition, target: TaskContainer): boolean {
  return target.lastStatus === 'STOPPED' && (condition === 'SUCCESS' || condition === 'HEALTHY');
}

/** When whoever waits for this container gives up: its startTimeout after it was started. */
function startDeadlineMs(target: TaskContainer, definitions: readonly ContainerDefinition[]): number | undefined {
  const seconds = definitions.find(({ name }) => name === target.name)?.startTimeout;
  if (seconds === undefined || target.startedAtMs === undefined) return undefined;
  return target.startedAtMs + seconds * 1000;
}

/** Whether everything has been started at least once: then a task is RUNNING. */
export function allStarted(task: Task): boolean {
  return task.containers.every(({ lastStatus }) => lastStatus !== 'PENDING');
}

/**
 * Those that are to be stopped now: the running ones on which no container depends that is still running. ECS takes
 * containers down in the reverse of the order in which they were started.
 */
export function nextToStop(task: Task, definitions: readonly ContainerDefinition[]): readonly string[] {
  const running = new Set(task.containers.filter((it) => it.lastStatus === 'RUNNING').map(({ name }) => name));
  const needed = new Set(
    definitions
      .filter(({ name }) => running.has(name))
      .flatMap(({ dependsOn }) => dependsOn?.map(({ containerName }) => containerName) ?? []),
  );
  return [...running].filter((name) => !needed.has(name));
}
