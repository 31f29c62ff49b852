import type { Container as SdkContainer, Task as SdkTask } from '@aws-sdk/client-ecs';

/** What ECS last knew of a task, in the order in which a task goes through it. */
export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

export interface EcsContainer {
  readonly name: string;
  readonly image: string;
  readonly imageDigest: string | undefined;
  /** Once it has been made. */
  readonly runtimeId: string | undefined;
  readonly status: 'PENDING' | 'RUNNING' | 'STOPPED';
  readonly exitCode: number | undefined;
  /** ECS's words where something went wrong with it. */
  readonly reason: string | undefined;
  readonly health: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
}

/** The part of a task that we look at: there are thousands of them in memory. */
export interface EcsTask {
  readonly arn: string;
  readonly definitionArn: string;
  readonly startedBy: string | undefined;
  readonly group: string | undefined;
  readonly status: TaskStatus;
  readonly desiredStatus: 'RUNNING' | 'STOPPED';
  /** Grows with each change: of two views of a task, the higher one is the newer. */
  readonly version: number;
  readonly stopCode: string | undefined;
  readonly stoppedReason: string | undefined;
  readonly createdAtMs: number | undefined;
  readonly pullStoppedAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly stoppingAtMs: number | undefined;
  readonly executionStoppedAtMs: number | undefined;
  readonly stoppedAtMs: number | undefined;
  /** Undefined where ECS does not say. */
  readonly size: { readonly cpuUnits: number; readonly memoryMib: number } | undefined;
  /** The first is the primary one. */
  readonly privateIps: readonly string[];
  readonly containers: readonly EcsContainer[];
}

/** Reads a task from an answer of ECS, or from the `detail` of a state change event, where times are texts. */
export function readTask(task: SdkTask): EcsTask {
  return {
    arn: task.taskArn ?? '',
    definitionArn: task.taskDefinitionArn ?? '',
    startedBy: task.startedBy,
    group: task.group,
    status: (task.lastStatus ?? 'PROVISIONING') as TaskStatus,
    desiredStatus: task.desiredStatus === 'STOPPED' ? 'STOPPED' : 'RUNNING',
    version: task.version ?? 0,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    createdAtMs: milliseconds(task.createdAt),
    pullStoppedAtMs: milliseconds(task.pullStoppedAt),
    startedAtMs: milliseconds(task.startedAt),
    stoppingAtMs: milliseconds(task.stoppingAt),
    executionStoppedAtMs: milliseconds(task.executionStoppedAt),
    stoppedAtMs: milliseconds(task.stoppedAt),
    size: task.cpu && task.memory ? { cpuUnits: Number(task.cpu), memoryMib: Number(task.memory) } : undefined,
    privateIps: privateIps(task),
    containers: (task.containers ?? []).map(readContainer),
  };
}

/** `0123abcd…`: how people name a task, and its log streams. */
export function taskId(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** `vk-3f9a01c2b4d5-…` of `arn:aws:ecs:…:task-definition/vk-3f9a01c2b4d5-…:1`. */
export function familyOf(definitionArn: string): string {
  return /task-definition\/([^:]+):\d+$/.exec(definitionArn)?.[1] ?? '';
}

/** Whether ECS is through with the task: nothing of it, its network included, is left. */
export function hasStopped({ status }: EcsTask): boolean {
  return status === 'STOPPED';
}

/** Whether none of the task's containers runs or will. */
export function haveContainersEnded(task: EcsTask): boolean {
  if (hasStopped(task)) return true;
  return task.status === 'DEPROVISIONING' && task.containers.every(({ status }) => status === 'STOPPED');
}

/** A task that ECS has forgotten: it has ended, nobody knows how. */
export function lostTask(task: EcsTask): EcsTask {
  return {
    ...task,
    status: 'STOPPED',
    desiredStatus: 'STOPPED',
    stoppedReason: task.stoppedReason ?? 'ECS does not know the task any more',
    containers: task.containers.map((container) => ({
      ...container,
      status: 'STOPPED',
      runtimeId: container.runtimeId ?? 'unknown',
    })),
  };
}

function readContainer(container: SdkContainer): EcsContainer {
  const { lastStatus, healthStatus } = container;
  return {
    name: container.name ?? '',
    image: container.image ?? '',
    imageDigest: container.imageDigest,
    runtimeId: container.runtimeId,
    status: lastStatus === 'RUNNING' || lastStatus === 'STOPPED' ? lastStatus : 'PENDING',
    exitCode: container.exitCode,
    reason: container.reason,
    health: healthStatus ?? 'UNKNOWN',
  };
}

function privateIps({ containers = [], attachments = [] }: SdkTask): string[] {
  const ofContainers = containers.flatMap(({ networkInterfaces = [] }) =>
    networkInterfaces.flatMap(({ privateIpv4Address, ipv6Address }) => [privateIpv4Address, ipv6Address]),
  );
  const ofAttachments = attachments
    .filter(({ type }) => type === 'ElasticNetworkInterface' || type === 'eni')
    .flatMap(({ details = [] }) =>
      details.filter(({ name }) => name === 'privateIPv4Address').map(({ value }) => value),
    );
  return [...new Set([...ofContainers, ...ofAttachments].filter((ip) => ip !== undefined && ip !== ''))] as string[];
}

function milliseconds(time: Date | string | undefined): number | undefined {
  return time === undefined ? undefined : new Date(time).getTime();
}
