import { join } from 'node:path';
import type { ContainerSpec, Mount, Resources } from '../../runtime/runtime.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import type { TaskDefinition, Volume } from '../ecs/task-definition.ts';
import { containerName, labels } from './labels.ts';
import type { ContainerOverride, Task } from './task.ts';

export interface SpecContext {
  readonly task: Task;
  readonly definition: TaskDefinition;
  readonly container: ContainerDefinition;
  readonly instance: string;
  readonly region: string;
  readonly sandboxId: string;
  readonly imageId: string;
  /** Restarts before this run. */
  readonly run: number;
  /** Secret values by the name of their variable. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Where the container reaches its metadata; undefined where it cannot. */
  readonly metadataUri: string | undefined;
  readonly paths: TaskPaths;
}

/** Places on the host that a task's containers see. */
export interface TaskPaths {
  /** What goes with the task; holds the others but for the file systems. */
  readonly taskFolder: string;
  /** Holds a folder for each volume that lives as long as the task. */
  readonly volumesFolder: string;
  /** /etc/hosts of all its containers. */
  readonly hostsFile: string;
  /** Holds a folder for each EFS file system. */
  readonly efsFolder: string;
}

/** One container of a task for the runtime: the definition, overrides over it, and what Fargate adds. */
export function containerSpec(context: SpecContext): ContainerSpec {
  const { task, container, sandboxId, imageId, run, instance } = context;
  const override = overrideOf(task, container.name);
  const command = override?.command ?? container.command;
  const capabilities = container.linuxParameters?.capabilities;
  return {
    sandboxId,
    name: containerName(task.id, container.name, run),
    labels: {
      ...container.dockerLabels,
      [labels.instance]: instance,
      [labels.task]: task.id,
      [labels.container]: container.name,
      [labels.run]: String(run),
    },
    imageId,
    ...(container.entryPoint?.length ? { entrypoint: container.entryPoint } : {}),
    ...(command?.length ? { command } : {}),
    ...(container.workingDirectory === undefined ? {} : { workingDir: container.workingDirectory }),
    env: environment(context, override),
    mounts: mounts(context),
    resources: resources(context, override),
    ...(container.user === undefined ? {} : { user: container.user }),
    supplementalGroups: [],
    readOnlyRoot: container.readonlyRootFilesystem ?? false,
    privileged: false,
    capabilitiesAdd: capabilities?.add ?? [],
    capabilitiesDrop: capabilities?.drop ?? [],
    noNewPrivileges: false,
    stdin: container.interactive ?? false,
    tty: container.pseudoTerminal ?? false,
    ulimits: (container.ulimits ?? []).map(({ name, softLimit, hardLimit }) => ({
      name,
      soft: softLimit,
      hard: hardLimit,
    })),
    // In a task whose containers share processes, its own first process reaps orphans.
    init: container.linuxParameters?.initProcessEnabled === true && context.definition.pidMode !== 'task',
  };
}

function overrideOf(task: Task, name: string): ContainerOverride | undefined {
  return task.overrides.containerOverrides.find((override) => override.name === name);
}

function environment(context: SpecContext, override: ContainerOverride | undefined): Record<string, string> {
  const pairs = [...context.container.environment, ...(override?.environment ?? [])];
  return {
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    AWS_REGION: context.region,
    AWS_DEFAULT_REGION: context.region,
    ...(context.metadataUri === undefined ? {} : { ECS_CONTAINER_METADATA_URI_V4: context.metadataUri }),
    ...Object.fromEntries(pairs.map(({ name, value }) => [name, value])),
    ...context.secrets,
  };
}

const mib = 2 ** 20;

/** Docker gives so many shares to a container that asks for none; the kernel's least is 2. */
const leastShares = 2;

/** The container's share of the task's CPU, and the memory that it is killed for going beyond; the task's own limits are its sandbox's. */
function resources({ container }: SpecContext, override: ContainerOverride | undefined): Resources {
  const memoryMib = override?.memory ?? container.memory;
  return {
    cpuShares: Math.max(override?.cpu ?? container.cpu, leastShares),
    ...(memoryMib === undefined ? {} : { memoryLimitBytes: memoryMib * mib }),
  };
}

function mounts({ definition, container, paths }: SpecContext): readonly Mount[] {
  const byName = new Map(definition.volumes.map((volume) => [volume.name, volume]));
  const own = bindMounts(container, { byName, paths });
  const others = container.volumesFrom.flatMap(({ sourceContainer, readOnly }) => {
    const source = definition.containerDefinitions.find(({ name }) => name === sourceContainer);
    if (!source) return [];
    return bindMounts(source, { byName, paths }).map((mount) => ({ ...mount, readOnly: readOnly ?? mount.readOnly }));
  });
  const memory: readonly Mount[] = (container.linuxParameters?.tmpfs ?? []).map(({ containerPath, size }) => ({
    kind: 'tmpfs',
    target: containerPath,
    sizeBytes: size * mib,
  }));
  const hosts: Mount = { kind: 'bind', source: paths.hostsFile, target: '/etc/hosts', readOnly: false };
  return [hosts, ...own, ...others, ...memory];
}

type BindMount = Extract<Mount, { readonly kind: 'bind' }>;

function bindMounts(
  container: ContainerDefinition,
  { byName, paths }: { readonly byName: ReadonlyMap<string, Volume>; readonly paths: TaskPaths },
): readonly BindMount[] {
  return container.mountPoints.flatMap(({ sourceVolume = '', containerPath, readOnly }) => {
    const volume = byName.get(sourceVolume);
    if (!volume || containerPath === undefined) return [];
    return [{ kind: 'bind', source: folderOf(volume, paths), target: containerPath, readOnly: readOnly ?? false }];
  });
}

/** The folder that stands for a volume; it must exist before a container is made. */
export function folderOf(volume: Volume, { volumesFolder, efsFolder }: TaskPaths): string {
  const efs = volume.efsVolumeConfiguration;
  if (!efs) return join(volumesFolder, volume.name);
  // join keeps `..` from leading out of the file system: the root directory is made absolute first.
  return join(efsFolder, efs.fileSystemId, join('/', efs.rootDirectory ?? '/'));
}
