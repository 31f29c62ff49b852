import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Account, arnOf, taskArn } from '../account.ts';
import type { Task } from '../tasks/task.ts';
import type { Market } from './capacity-providers.ts';
import type { Cluster } from './clusters.ts';
import type { AwsvpcConfiguration, RunTaskInput } from './run-task-input.ts';
import type { Tag } from './tags.ts';
import type { TaskDefinition } from './task-definition.ts';

/** Fargate's own, where the definition asks for no more. */
const defaultStorageGib = 20;
/** What LATEST means. */
const latestPlatformVersion = '1.4.0';

/** The record of a task that begins. */
export function newTask(
  input: RunTaskInput,
  context: {
    readonly account: Account;
    readonly cluster: Cluster;
    readonly definition: TaskDefinition;
    readonly network: AwsvpcConfiguration;
    readonly market: Market;
    /** Whether a capacity provider chose the market. */
    readonly byStrategy: boolean;
    readonly index: number;
    readonly nowMs: number;
  },
): Task {
  const { account, cluster, definition, network, nowMs } = context;
  const id = randomUUID().replaceAll('-', '');
  const subnetId = network.subnets[context.index % network.subnets.length] ?? '';
  const { overrides } = input;
  return {
    id,
    arn: taskArn(account, cluster.name, id),
    cluster: cluster.name,
    clusterArn: cluster.arn,
    family: definition.family,
    revision: definition.revision,
    definitionArn: definition.arn,
    group: input.group ?? `family:${definition.family}`,
    ...(input.startedBy === undefined ? {} : { startedBy: input.startedBy }),
    market: context.market,
    ...(context.byStrategy ? { capacityProvider: context.market } : {}),
    platformVersion: input.platformVersion === 'LATEST' ? latestPlatformVersion : input.platformVersion,
    availabilityZone: `${account.region}${zoneOf(subnetId)}`,
    cpu: overrides.cpu ?? definition.cpu ?? '',
    memory: overrides.memory ?? definition.memory ?? '',
    ephemeralStorageGib: (overrides.ephemeralStorage ?? definition.ephemeralStorage)?.sizeInGiB ?? defaultStorageGib,
    enableExecuteCommand: input.enableExecuteCommand,
    overrides,
    tags: tagsOf(input, context),
    network: {
      attachmentId: randomUUID(),
      interfaceId: `eni-0${randomBytes(8).toString('hex')}`,
      macAddress: macAddress(),
      subnetId,
      securityGroups: network.securityGroups,
      assignPublicIp: network.assignPublicIp === 'ENABLED',
      status: 'PRECREATED',
    },
    containers: definition.containerDefinitions.map(({ name, image, healthCheck }) => ({
      name,
      arn: arnOf(account, 'ecs', `container/${cluster.name}/${id}/${randomUUID()}`),
      image,
      lastStatus: 'PENDING',
      ...(healthCheck ? { health: 'UNKNOWN' } : {}),
      restartCount: 0,
      metadataToken: `${id}-${randomBytes(16).toString('hex')}`,
    })),
    status: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function tagsOf(
  input: RunTaskInput,
  { cluster, definition }: { readonly cluster: Cluster; readonly definition: TaskDefinition },
): readonly Tag[] {
  const managed = input.enableECSManagedTags ? [{ key: 'aws:ecs:clusterName', value: cluster.name }] : [];
  const propagated = input.propagateTags === 'TASK_DEFINITION' ? definition.tags : [];
  const merged = new Map([...managed, ...propagated, ...input.tags].map(({ key, value }) => [key, value]));
  return [...merged].map(([key, value]) => ({ key, value }));
}

/** A subnet is in one availability zone, always the same. */
function zoneOf(subnetId: string): string {
  const first = createHash('sha256').update(subnetId).digest()[0] ?? 0;
  return 'abc'.charAt(first % 3);
}

function macAddress(): string {
  // The second bit of the first byte says that nobody's hardware has it.
  return ['0a', ...(randomBytes(5).toString('hex').match(/../g) ?? [])].join(':');
}
