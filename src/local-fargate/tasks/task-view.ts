import type { Account } from '../account.ts';
import type { TaskDefinition } from '../ecs/task-definition.ts';
import { type Task, type TaskContainer, taskHealth } from './task.ts';

/** Turns milliseconds into what the API has for a moment: seconds in JSON, ISO 8601 in events. */
export type TimeFormat = (ms: number) => number | string;

export const epochSeconds: TimeFormat = (ms) => ms / 1000;
export const isoTime: TimeFormat = (ms) => new Date(ms).toISOString();

/** A task as DescribeTasks shows it, but for tags. */
export function taskView(
  task: Task,
  { definition, account, time }: ViewContext & { readonly time: TimeFormat },
): Record<string, unknown> {
  const essential = new Set(
    definition?.containerDefinitions.filter((container) => container.essential).map(({ name }) => name),
  );
  return withoutUndefined({
    attachments: [attachmentView(task, account)],
    attributes: [{ name: 'ecs.cpu-architecture', value: architectureOf(definition) }],
    availabilityZone: task.availabilityZone,
    capacityProviderName: task.capacityProvider,
    clusterArn: task.clusterArn,
    connectivity: task.connectedAtMs === undefined ? undefined : 'CONNECTED',
    connectivityAt: at(task.connectedAtMs, time),
    containers: task.containers.map((container) => containerView(container, task, { definition, time })),
    cpu: task.cpu,
    createdAt: time(task.createdAtMs),
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: task.enableExecuteCommand,
    ephemeralStorage: { sizeInGiB: task.ephemeralStorageGib },
    executionStoppedAt: at(task.executionStoppedAtMs, time),
    fargateEphemeralStorage: { sizeInGiB: task.ephemeralStorageGib },
    group: task.group,
    healthStatus: taskHealth(task, (name) => essential.has(name)),
    lastStatus: task.status,
    launchType: 'FARGATE',
    memory: task.memory,
    overrides: { inferenceAcceleratorOverrides: [], ...task.overrides },
    platformFamily: 'Linux',
    platformVersion: task.platformVersion,
    pullStartedAt: at(task.pullStartedAtMs, time),
    pullStoppedAt: at(task.pullStoppedAtMs, time),
    startedAt: at(task.startedAtMs, time),
    startedBy: task.startedBy,
    stopCode: task.stopCode,
    stoppedAt: at(task.stoppedAtMs, time),
    stoppedReason: task.stoppedReason,
    stoppingAt: at(task.stoppingAtMs, time),
    taskArn: task.arn,
    taskDefinitionArn: task.definitionArn,
    version: task.version,
  });
}

export interface ViewContext {
  readonly definition: TaskDefinition | undefined;
  readonly account: Account;
}

function containerView(
  container: TaskContainer,
  task: Task,
  { definition, time }: { readonly definition: TaskDefinition | undefined; readonly time: TimeFormat },
): Record<string, unknown> {
  const defined = definition?.containerDefinitions.find(({ name }) => name === container.name);
  const override = task.overrides.containerOverrides.find(({ name }) => name === container.name);
  const memory = override?.memory ?? defined?.memory;
  const reservation = override?.memoryReservation ?? defined?.memoryReservation;
  const { privateIp, attachmentId } = task.network;
  return withoutUndefined({
    containerArn: container.arn,
    cpu: String(override?.cpu ?? defined?.cpu ?? 0),
    exitCode: container.exitCode,
    healthStatus: container.health ?? 'UNKNOWN',
    image: container.image,
    imageDigest: container.imageDigest,
    lastStatus: container.lastStatus,
    managedAgents: task.enableExecuteCommand ? [execAgentView(container, time)] : undefined,
    memory: memory === undefined ? undefined : String(memory),
    memoryReservation: reservation === undefined ? undefined : String(reservation),
    name: container.name,
    networkBindings: container.lastStatus === 'PENDING' ? undefined : [],
    networkInterfaces: privateIp === undefined ? [] : [{ attachmentId, privateIpv4Address: privateIp }],
    reason: container.reason,
    runtimeId: container.runtimeId,
    taskArn: task.arn,
  });
}

/** What runs commands in the container; here it needs nothing inside, and is ready with it. */
function execAgentView({ lastStatus, startedAtMs }: TaskContainer, time: TimeFormat): Record<string, unknown> {
  return withoutUndefined({ name: 'ExecuteCommandAgent', lastStatus, lastStartedAt: at(startedAtMs, time) });
}

function attachmentView({ network }: Task, account: Account): Record<string, unknown> {
  const details = [{ name: 'subnetId', value: network.subnetId }];
  if (network.privateIp !== undefined) {
    details.push(
      { name: 'networkInterfaceId', value: network.interfaceId },
      { name: 'macAddress', value: network.macAddress },
      { name: 'privateDnsName', value: privateDnsName(network.privateIp, account.region) },
      { name: 'privateIPv4Address', value: network.privateIp },
    );
  }
  return { id: network.attachmentId, type: 'ElasticNetworkInterface', status: network.status, details };
}

/** The name that a VPC gives an address. */
export function privateDnsName(ip: string, region: string): string {
  const domain = region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
  return `ip-${ip.replaceAll('.', '-')}.${domain}`;
}

function architectureOf(definition: TaskDefinition | undefined): string {
  return definition?.runtimePlatform?.cpuArchitecture === 'ARM64' ? 'arm64' : 'x86_64';
}

function at(ms: number | undefined, time: TimeFormat): number | string | undefined {
  return ms === undefined ? undefined : time(ms);
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
