import type { TaskDefinition } from '../ecs/task-definition.ts';
import { containerName } from '../tasks/labels.ts';
import type { Task, TaskContainer } from '../tasks/task.ts';
import { privateDnsName } from '../tasks/task-view.ts';

export interface MetadataContext {
  readonly task: Task;
  readonly definition: TaskDefinition;
  readonly region: string;
  /** The task's, as its containers see it: `10.88.0.0/16` and the gateway in it. */
  readonly network: { readonly cidr: string; readonly gateway: string };
}

/** Version 4 of the task metadata: the task with its containers. */
export function taskMetadata(
  context: MetadataContext,
  { withTags }: { readonly withTags: boolean },
): Record<string, unknown> {
  const { task, definition } = context;
  return {
    Cluster: task.clusterArn,
    TaskARN: task.arn,
    Family: task.family,
    Revision: String(task.revision),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.status,
    Limits: { CPU: Number(task.cpu) / 1024, Memory: Number(task.memory) },
    ...time('PullStartedAt', task.pullStartedAtMs),
    ...time('PullStoppedAt', task.pullStoppedAtMs),
    ...time('ExecutionStoppedAt', task.executionStoppedAtMs),
    AvailabilityZone: task.availabilityZone,
    LaunchType: 'FARGATE',
    EphemeralStorageMetrics: { Reserved: task.ephemeralStorageGib * 1024 },
    Containers: task.containers.map((container) => containerMetadata(container, context)),
    FaultInjectionEnabled: definition.enableFaultInjection ?? false,
    ...(withTags ? { TaskTags: Object.fromEntries(task.tags.map(({ key, value }) => [key, value])) } : {}),
  };
}

/** One container of it. */
export function containerMetadata(container: TaskContainer, context: MetadataContext): Record<string, unknown> {
  const { task, definition } = context;
  const defined = definition.containerDefinitions.find(({ name }) => name === container.name);
  const log = defined?.logConfiguration;
  return {
    DockerId: container.runtimeId ?? '',
    Name: container.name,
    DockerName: containerName(task.id, container.name, container.restartCount),
    Image: container.image,
    ImageID: container.imageDigest ?? '',
    Labels: {
      ...defined?.dockerLabels,
      'com.amazonaws.ecs.cluster': task.clusterArn,
      'com.amazonaws.ecs.container-name': container.name,
      'com.amazonaws.ecs.task-arn': task.arn,
      'com.amazonaws.ecs.task-definition-family': task.family,
      'com.amazonaws.ecs.task-definition-version': String(task.revision),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: container.lastStatus,
    ...(container.exitCode === undefined ? {} : { ExitCode: container.exitCode }),
    Limits: { CPU: defined?.cpu ?? 0, ...(defined?.memory === undefined ? {} : { Memory: defined.memory }) },
    ...time('CreatedAt', container.createdAtMs),
    ...time('StartedAt', container.startedAtMs),
    ...time('FinishedAt', container.finishedAtMs),
    Type: 'NORMAL',
    ...(container.health === undefined ? {} : { Health: { status: container.health } }),
    RestartCount: container.restartCount,
    ...(log ? { LogDriver: log.logDriver, LogOptions: log.options ?? {} } : {}),
    ContainerARN: container.arn,
    Networks: networks(context),
  };
}

function networks({ task, region, network }: MetadataContext): readonly Record<string, unknown>[] {
  const { privateIp, macAddress } = task.network;
  if (privateIp === undefined) return [];
  return [
    {
      NetworkMode: 'awsvpc',
      IPv4Addresses: [privateIp],
      AttachmentIndex: 0,
      MACAddress: macAddress,
      IPv4SubnetCIDRBlock: network.cidr,
      SubnetGatewayIpv4Address: `${network.gateway}/${network.cidr.split('/')[1]}`,
      PrivateDNSName: privateDnsName(privateIp, region),
    },
  ];
}

function time(name: string, ms: number | undefined): Record<string, string> {
  return ms === undefined ? {} : { [name]: new Date(ms).toISOString() };
}
