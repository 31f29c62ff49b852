import type { ContainerDefinition } from '../ecs/container-definition.ts';
import { containerDefinitionSchema } from '../ecs/container-definition.ts';
import type { Task, TaskContainer } from '../tasks/task.ts';
import type { TestFargate } from './local-fargate.ts';

export const role = 'arn:aws:iam::000000000000:role/test';

/** What RegisterTaskDefinition takes for a Fargate task of these containers. */
export function definitionInput(
  containers: readonly Readonly<Record<string, unknown>>[],
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    family: 'web',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    executionRoleArn: role,
    containerDefinitions: containers.map((container) => ({ image: 'busybox', ...container })),
    ...more,
  };
}

export const runInput = {
  taskDefinition: 'web',
  launchType: 'FARGATE',
  networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
} as const;

/** Makes the cluster, registers the containers as `web` and runs a task; gives its ARN. */
export async function runTaskOf(
  fargate: TestFargate,
  containers: readonly Readonly<Record<string, unknown>>[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  await fargate.ok('ecs', 'CreateCluster');
  await fargate.ok('ecs', 'RegisterTaskDefinition', definitionInput(containers));
  const { tasks } = (await fargate.ok('ecs', 'RunTask', { ...runInput, ...more })) as { tasks: { taskArn: string }[] };
  const [task] = tasks;
  if (!task) throw new Error('no task was run');
  return task.taskArn;
}

/** A definition as it is after registration. */
export function container(name: string, more: Readonly<Record<string, unknown>> = {}): ContainerDefinition {
  return containerDefinitionSchema.parse({ name, image: 'busybox', ...more });
}

export function taskContainer(name: string, more: Partial<TaskContainer> = {}): TaskContainer {
  return {
    name,
    arn: `arn:${name}`,
    image: 'busybox',
    lastStatus: 'PENDING',
    restartCount: 0,
    metadataToken: 'token',
    ...more,
  };
}

export function task(containers: readonly TaskContainer[], more: Partial<Task> = {}): Task {
  return {
    id: 'f'.repeat(32),
    arn: `arn:aws:ecs:us-east-1:000000000000:task/default/${'f'.repeat(32)}`,
    cluster: 'default',
    clusterArn: 'arn:aws:ecs:us-east-1:000000000000:cluster/default',
    family: 'web',
    revision: 1,
    definitionArn: 'arn:aws:ecs:us-east-1:000000000000:task-definition/web:1',
    group: 'family:web',
    market: 'FARGATE',
    platformVersion: '1.4.0',
    availabilityZone: 'us-east-1a',
    cpu: '256',
    memory: '512',
    ephemeralStorageGib: 20,
    enableExecuteCommand: false,
    overrides: { containerOverrides: [] },
    tags: [],
    network: {
      attachmentId: 'attachment',
      interfaceId: 'eni-1',
      macAddress: '0a:00:00:00:00:01',
      subnetId: 'subnet-1',
      securityGroups: [],
      assignPublicIp: false,
      status: 'ATTACHED',
      privateIp: '10.88.0.2',
    },
    containers,
    status: 'RUNNING',
    desiredStatus: 'RUNNING',
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    ...more,
  };
}
