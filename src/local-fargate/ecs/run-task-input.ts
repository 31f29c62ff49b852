import { z } from 'zod';
import { AwsError } from '../protocol/aws-error.ts';
import { strategySchema } from './capacity-providers.ts';
import { isFargateSize, noSuchSize } from './fargate-sizes.ts';
import { tagsSchema } from './tags.ts';
import type { TaskDefinition } from './task-definition.ts';
import { refuseUnsupported } from './unsupported.ts';

/** All of a call's overrides as JSON. */
const maxOverrideCharacters = 8192;

const containerOverride = z.object({
  name: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(z.object({ name: z.string(), value: z.string().default('') })).optional(),
  environmentFiles: z.array(z.object({ value: z.string(), type: z.literal('s3') })).optional(),
  cpu: z.number().int().min(0).optional(),
  memory: z.number().int().min(6).optional(),
  memoryReservation: z.number().int().min(6).optional(),
  resourceRequirements: z.array(z.object({ value: z.string(), type: z.string() })).optional(),
});

export const runTaskSchema = z.object({
  cluster: z.string().optional(),
  taskDefinition: z.string(),
  count: z
    .number()
    .int()
    .min(1, 'count must be between 1 and 10')
    .max(10, 'Tasks to run cannot be more than 10')
    .default(1),
  clientToken: z.string().max(64).optional(),
  launchType: z.enum(['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES']).optional(),
  capacityProviderStrategy: strategySchema.optional(),
  networkConfiguration: z
    .object({
      awsvpcConfiguration: z
        .object({
          subnets: z
            .array(z.string().regex(/^subnet-[0-9a-zA-Z]+$/, 'is not the ID of a subnet'))
            .min(1, 'subnets can not be empty.')
            .max(16),
          securityGroups: z.array(z.string()).max(5).default([]),
          assignPublicIp: z.enum(['ENABLED', 'DISABLED']).default('DISABLED'),
        })
        .optional(),
    })
    .optional(),
  overrides: z
    .object({
      containerOverrides: z.array(containerOverride).default([]),
      cpu: z.string().optional(),
      memory: z.string().optional(),
      executionRoleArn: z.string().optional(),
      taskRoleArn: z.string().optional(),
      ephemeralStorage: z.object({ sizeInGiB: z.number().int().min(21).max(200) }).optional(),
    })
    .default({ containerOverrides: [] }),
  platformVersion: z.enum(['LATEST', '1.4.0', '1.3.0']).default('LATEST'),
  group: z.string().max(255).optional(),
  startedBy: z
    .string()
    .regex(/^[A-Za-z0-9\-/_]{0,128}$/, 'startedBy has at most 128 letters, digits, hyphens, slashes and underscores')
    .optional(),
  tags: tagsSchema.default([]),
  propagateTags: z.enum(['TASK_DEFINITION', 'SERVICE', 'NONE']).optional(),
  enableECSManagedTags: z.boolean().default(false),
  enableExecuteCommand: z.boolean().default(false),
  referenceId: z.string().optional(),
  placementConstraints: z.array(z.unknown()).default([]),
  placementStrategy: z.array(z.unknown()).default([]),
  volumeConfigurations: z.array(z.unknown()).default([]),
});

export type RunTaskInput = z.output<typeof runTaskSchema>;

export type AwsvpcConfiguration = NonNullable<NonNullable<RunTaskInput['networkConfiguration']>['awsvpcConfiguration']>;

/** Checks a call against the definition that it names and gives the network it asks for. Throws as ECS refuses. */
export function checkRunTask(input: RunTaskInput, definition: TaskDefinition): AwsvpcConfiguration {
  if (definition.status !== 'ACTIVE') refuse('TaskDefinition is inactive', 'ClientException');
  if (!definition.requiresCompatibilities?.includes('FARGATE')) {
    refuse('Task definition does not support launch_type FARGATE.');
  }
  refuseUnsupported(definition);
  const network = input.networkConfiguration?.awsvpcConfiguration;
  if (!network) refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  if (input.placementConstraints.length > 0 || input.placementStrategy.length > 0) {
    refuse('Placement constraints and strategies are not supported with FARGATE.');
  }
  if (input.volumeConfigurations.length > 0) {
    refuse('Local Fargate has no EBS volumes: volumeConfigurations is not supported.', 'UnsupportedFeatureException');
  }
  checkOverrides(input, definition);
  return network;
}

function checkOverrides({ overrides }: RunTaskInput, definition: TaskDefinition): void {
  if (JSON.stringify(overrides).length > maxOverrideCharacters) {
    refuse(`Container Overrides length must be at most ${maxOverrideCharacters}`);
  }
  for (const { name, environmentFiles, resourceRequirements } of overrides.containerOverrides) {
    if (!definition.containerDefinitions.some((container) => container.name === name)) {
      refuse(`Override for container named ${name ?? ''} is not a container in the TaskDefinition.`);
    }
    if (environmentFiles?.length) {
      refuse('Local Fargate has no S3: environmentFiles is not supported.', 'UnsupportedFeatureException');
    }
    if (resourceRequirements?.length) refuse('GPU is not supported with FARGATE.');
  }
  const [cpu, memory] = [overrides.cpu ?? definition.cpu, overrides.memory ?? definition.memory];
  if (!isFargateSize(Number(cpu), Number(memory))) {
    refuse(noSuchSize(Number(cpu), Number(memory)), 'ClientException');
  }
}

function refuse(message: string, code = 'InvalidParameterException'): never {
  throw new AwsError(code, message);
}
