import type { Tag } from '../ecs/tags.ts';

/** A task's way, in order. */
export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

/** From where to where a task may go. One that is stopped early has no network or no containers to take down. */
export const taskEdges: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PROVISIONING: ['PENDING', 'DEPROVISIONING'],
  PENDING: ['ACTIVATING', 'DEPROVISIONING'],
  ACTIVATING: ['RUNNING', 'DEACTIVATING'],
  RUNNING: ['DEACTIVATING'],
  DEACTIVATING: ['STOPPING'],
  STOPPING: ['DEPROVISIONING'],
  DEPROVISIONING: ['STOPPED'],
  STOPPED: [],
};

export type StopCode =
  | 'TaskFailedToStart'
  | 'EssentialContainerExited'
  | 'UserInitiated'
  | 'SpotInterruption'
  | 'TerminationNotice';

export type HealthStatus = 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';

export interface TaskContainer {
  readonly name: string;
  readonly arn: string;
  /** As the definition names it. */
  readonly image: string;
  readonly imageDigest?: string;
  readonly runtimeId?: string;
  readonly lastStatus: 'PENDING' | 'RUNNING' | 'STOPPED';
  readonly exitCode?: number;
  readonly reason?: string;
  /** It ended without ever having run. */
  readonly neverStarted?: boolean;
  /** Only where the definition has a health check. */
  readonly health?: HealthStatus;
  readonly createdAtMs?: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Runs before the present one. */
  readonly restartCount: number;
  /** The container's own part of the metadata endpoint's path. */
  readonly metadataToken: string;
}

export interface NetworkInterface {
  readonly attachmentId: string;
  readonly interfaceId: string;
  readonly macAddress: string;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: boolean;
  readonly status: 'PRECREATED' | 'ATTACHED' | 'DELETED';
  /** Known once the task has left PROVISIONING; kept in the record of a stopped task. */
  readonly privateIp?: string;
}

export interface ContainerOverride {
  readonly name?: string | undefined;
  readonly command?: readonly string[] | undefined;
  readonly environment?: readonly { readonly name: string; readonly value: string }[] | undefined;
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly memoryReservation?: number | undefined;
}

export interface TaskOverrides {
  readonly containerOverrides: readonly ContainerOverride[];
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly executionRoleArn?: string | undefined;
  readonly taskRoleArn?: string | undefined;
  readonly ephemeralStorage?: { readonly sizeInGiB: number } | undefined;
}

/** Everything there is to know of a task; written whole with each change. */
export interface Task {
  readonly id: string;
  readonly arn: string;
  readonly cluster: string;
  readonly clusterArn: string;
  readonly family: string;
  readonly revision: number;
  readonly definitionArn: string;
  readonly group: string;
  readonly startedBy?: string;
  /** Whose capacity it holds. */
  readonly market: 'FARGATE' | 'FARGATE_SPOT';
  /** Where a capacity provider strategy chose the market. */
  readonly capacityProvider?: 'FARGATE' | 'FARGATE_SPOT';
  readonly platformVersion: string;
  readonly availabilityZone: string;
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorageGib: number;
  readonly enableExecuteCommand: boolean;
  readonly overrides: TaskOverrides;
  readonly tags: readonly Tag[];
  readonly network: NetworkInterface;
  readonly containers: readonly TaskContainer[];

  readonly status: TaskStatus;
  readonly desiredStatus: 'RUNNING' | 'STOPPED';
  readonly version: number;
  readonly stopCode?: StopCode;
  readonly stoppedReason?: string;

  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly connectedAtMs?: number;
  readonly pullStartedAtMs?: number;
  readonly pullStoppedAtMs?: number;
  readonly startedAtMs?: number;
  readonly stoppingAtMs?: number;
  /** A Spot task's two minutes of warning end here. */
  readonly stopNotBeforeMs?: number;
  readonly executionStoppedAtMs?: number;
  readonly stoppedAtMs?: number;
}

/** Whether the task holds capacity of a market (Spot or On-Demand). */
export function isLive(task: Task): boolean {
  return task.status !== 'STOPPED';
}

/** The health of a task by its essential containers that have a health check: the worst of them counts. */
export function taskHealth(task: Task, isEssential: (name: string) => boolean): HealthStatus {
  const healths = task.containers.filter(({ name }) => isEssential(name)).flatMap(({ health }) => health ?? []);
  if (healths.includes('UNHEALTHY')) return 'UNHEALTHY';
  return healths.length === 0 || healths.includes('UNKNOWN') ? 'UNKNOWN' : 'HEALTHY';
}
