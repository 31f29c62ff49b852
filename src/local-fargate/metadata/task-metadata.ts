import type { ContainerInfo, Runtime } from '../../runtime/runtime.ts';
import type { Definitions } from '../ecs/definitions.ts';
import { labels } from '../tasks/labels.ts';
import type { TaskContainer } from '../tasks/task.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { ContainerStats } from './container-stats.ts';
import type { FindMetadata } from './metadata-server.ts';
import { containerMetadata, type MetadataContext, taskMetadata } from './metadata-view.ts';
import { statsView } from './stats-view.ts';

export interface TaskMetadataDeps {
  readonly tasks: TaskStore;
  readonly findDefinition: Definitions['get'];
  readonly region: string;
  readonly instance: string;
  readonly runtime: Runtime;
  readonly stats: ContainerStats;
}

type Route = (
  asked: { readonly container: TaskContainer; readonly context: MetadataContext },
  deps: TaskMetadataDeps,
  signal: AbortSignal,
) => unknown;

/** What is below a container's own address. */
const routes: Readonly<Record<string, Route>> = {
  '': ({ container, context }) => containerMetadata(container, context),
  task: ({ context }) => taskMetadata(context, { withTags: false }),
  taskWithTags: ({ context }) => taskMetadata(context, { withTags: true }),
  stats: async ({ container, context }, deps, signal) => {
    const running = await runningContainers(context, deps, signal);
    return statsOf(container, { running, context, deps, signal });
  },
  'task/stats': async ({ context }, deps, signal) => {
    const running = await runningContainers(context, deps, signal);
    const containers = context.task.containers.filter(({ runtimeId }) => runtimeId !== undefined);
    const entries = containers.map(
      async (container) => [container.runtimeId, await statsOf(container, { running, context, deps, signal })] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  },
};

/** Answers what containers ask about themselves, each known by its token. */
export function findTaskMetadata(deps: TaskMetadataDeps): FindMetadata {
  return async (token, rest, { signal, network }) => {
    const task = deps.tasks.get(token.split('-')[0] ?? '');
    const container = task?.containers.find(({ metadataToken }) => metadataToken === token);
    const definition = task && deps.findDefinition(task.family, task.revision);
    const route = routes[rest];
    if (!task || !container || !definition || !route) return undefined;
    return await route({ container, context: { task, definition, region: deps.region, network } }, deps, signal);
  };
}

type Running = ReadonlyMap<string, number>;

/** Process ids by the runtime's container ids. */
async function runningContainers(
  { task }: MetadataContext,
  { runtime, instance }: TaskMetadataDeps,
  signal: AbortSignal,
): Promise<Running> {
  const infos = await runtime.listContainers({ [labels.instance]: instance, [labels.task]: task.id }, { signal });
  return new Map(infos.flatMap(({ id, state }) => (isRunning(state) ? [[id, state.pid] as const] : [])));
}

function isRunning(state: ContainerInfo['state']): state is Extract<ContainerInfo['state'], { kind: 'running' }> {
  return state.kind === 'running';
}

/** Null, as ECS's agent has it, for a container that does not run. */
async function statsOf(
  container: TaskContainer,
  {
    running,
    context: { task, definition },
    deps,
    signal,
  }: {
    readonly running: Running;
    readonly context: MetadataContext;
    readonly deps: TaskMetadataDeps;
    readonly signal: AbortSignal;
  },
): Promise<Record<string, unknown> | null> {
  const { runtimeId: id = '', name } = container;
  const pid = running.get(id);
  const looks = pid === undefined ? undefined : await deps.stats.read(id, pid, { signal });
  if (!looks) return null;
  const override = task.overrides.containerOverrides.find((it) => it.name === name);
  const defined = definition.containerDefinitions.find((it) => it.name === name);
  const memoryMib = override?.memory ?? defined?.memory ?? Number(task.memory);
  return statsView(looks.before, looks.now, { id, name, memoryLimitBytes: memoryMib * 2 ** 20 });
}
