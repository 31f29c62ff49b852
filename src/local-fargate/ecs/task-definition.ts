import { z } from 'zod';
import type { Account } from '../account.ts';
import { definitionArn } from '../account.ts';
import { containerDefinitionSchema } from './container-definition.ts';
import { type Tag, tagsSchema } from './tags.ts';

const volume = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'Volume name contains invalid characters.'),
  host: z.object({ sourcePath: z.string().optional() }).optional(),
  dockerVolumeConfiguration: z.object({}).loose().optional(),
  efsVolumeConfiguration: z
    .object({
      fileSystemId: z.string(),
      rootDirectory: z.string().optional(),
      transitEncryption: z.enum(['ENABLED', 'DISABLED']).optional(),
      transitEncryptionPort: z.number().int().optional(),
      authorizationConfig: z
        .object({ accessPointId: z.string().optional(), iam: z.enum(['ENABLED', 'DISABLED']).optional() })
        .optional(),
    })
    .optional(),
  s3filesVolumeConfiguration: z.object({}).loose().optional(),
  fsxWindowsFileServerVolumeConfiguration: z.object({}).loose().optional(),
  configuredAtLaunch: z.boolean().optional(),
});

/** A number of CPU units or MiB, or the words that ECS takes for them: `1 vCPU`, `.5 vCPU`, `2 GB`. */
function amount(unit: 'vCPU' | 'GB'): z.ZodType<string, string> {
  const words = new RegExp(`^\\s*(\\d*\\.?\\d+)\\s*${unit}\\s*$`, 'i');
  return z.string().transform((text, context) => {
    const match = words.exec(text);
    if (match) return String(Math.round(Number(match[1]) * 1024));
    if (/^\d+$/.test(text)) return text;
    context.addIssue(`Invalid '${unit === 'vCPU' ? 'cpu' : 'memory'}' setting for task. (${text})`);
    return z.NEVER;
  });
}

export const registerTaskDefinitionSchema = z.object({
  family: z
    .string({ error: 'Family should not be null or empty.' })
    .regex(/^[A-Za-z0-9_-]{1,255}$/, 'Family contains invalid characters.'),
  taskRoleArn: z.string().optional(),
  executionRoleArn: z.string().optional(),
  networkMode: z.enum(['bridge', 'host', 'awsvpc', 'none']).optional(),
  containerDefinitions: z
    .array(containerDefinitionSchema, { error: 'Container list cannot be empty.' })
    .min(1, 'Container list cannot be empty.')
    .max(10, 'The maximum number of containers is 10.'),
  volumes: z.array(volume).default([]),
  placementConstraints: z
    .array(z.object({ type: z.string().optional(), expression: z.string().optional() }))
    .default([]),
  requiresCompatibilities: z.array(z.enum(['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES'])).optional(),
  cpu: amount('vCPU').optional(),
  memory: amount('GB').optional(),
  tags: tagsSchema.optional(),
  pidMode: z.enum(['host', 'task']).optional(),
  ipcMode: z.enum(['host', 'task', 'none']).optional(),
  proxyConfiguration: z.object({}).loose().optional(),
  inferenceAccelerators: z.array(z.unknown()).optional(),
  ephemeralStorage: z.object({ sizeInGiB: z.number().int().min(21).max(200) }).optional(),
  runtimePlatform: z
    .object({
      cpuArchitecture: z.enum(['X86_64', 'ARM64']).optional(),
      operatingSystemFamily: z
        .enum([
          'LINUX',
          'WINDOWS_SERVER_2019_FULL',
          'WINDOWS_SERVER_2019_CORE',
          'WINDOWS_SERVER_2022_FULL',
          'WINDOWS_SERVER_2022_CORE',
          'WINDOWS_SERVER_2025_FULL',
          'WINDOWS_SERVER_2025_CORE',
        ])
        .optional(),
    })
    .optional(),
  enableFaultInjection: z.boolean().optional(),
});

export type RegisterTaskDefinitionInput = z.output<typeof registerTaskDefinitionSchema>;
export type Volume = z.output<typeof volume>;

export type DefinitionStatus = 'ACTIVE' | 'INACTIVE' | 'DELETE_IN_PROGRESS';

/** One revision of a family, as it was registered. */
export interface TaskDefinition extends Omit<RegisterTaskDefinitionInput, 'tags'> {
  readonly revision: number;
  readonly arn: string;
  readonly status: DefinitionStatus;
  readonly registeredAtMs: number;
  readonly registeredBy: string;
  readonly deregisteredAtMs?: number;
  readonly deleteRequestedAtMs?: number;
  readonly tags: readonly Tag[];
}

/** Where a revision stands in the collection. */
export function definitionKey(family: string, revision: number): string {
  return `${family}:${revision}`;
}

/** As the API shows it; tags stand beside it in answers, not in it. */
export function definitionView(definition: TaskDefinition): Record<string, unknown> {
  const { arn, registeredAtMs, deregisteredAtMs, deleteRequestedAtMs, tags: _tags, ...rest } = definition;
  return {
    ...rest,
    taskDefinitionArn: arn,
    registeredAt: registeredAtMs / 1000,
    ...(deregisteredAtMs === undefined ? {} : { deregisteredAt: deregisteredAtMs / 1000 }),
    ...(deleteRequestedAtMs === undefined ? {} : { deleteRequestedAt: deleteRequestedAtMs / 1000 }),
    compatibilities: definition.networkMode === 'awsvpc' ? ['EC2', 'FARGATE'] : ['EC2'],
    requiresAttributes: requiredAttributes(definition).map((name) => ({ name })),
  };
}

/** What an agent must be able to do for this definition; no more than informative on Fargate. */
function requiredAttributes(definition: TaskDefinition): readonly string[] {
  const names = new Set<string>();
  for (const container of definition.containerDefinitions) {
    if (container.logConfiguration) {
      names.add(`com.amazonaws.ecs.capability.logging-driver.${container.logConfiguration.logDriver}`);
    }
    if (container.dependsOn) names.add('ecs.capability.container-ordering');
    if (container.healthCheck) names.add('ecs.capability.container-health-check');
    if (container.secrets) names.add('ecs.capability.secrets.asm.environment-variables');
  }
  if (definition.networkMode === 'awsvpc') names.add('ecs.capability.task-eni');
  if (definition.taskRoleArn) names.add('com.amazonaws.ecs.capability.task-iam-role');
  return [...names].sort();
}

/** The revision that was registered, from what was asked for. */
export function newDefinition(
  input: RegisterTaskDefinitionInput,
  details: { readonly account: Account; readonly revision: number; readonly nowMs: number },
): TaskDefinition {
  const { tags = [], ...rest } = input;
  const { account, revision, nowMs } = details;
  return {
    ...rest,
    // With awsvpc the host's port is the container's.
    containerDefinitions: rest.containerDefinitions.map((container) =>
      rest.networkMode !== 'awsvpc'
        ? container
        : {
            ...container,
            portMappings: container.portMappings.map((mapping) =>
              mapping.containerPort === undefined ? mapping : { ...mapping, hostPort: mapping.containerPort },
            ),
          },
    ),
    revision,
    arn: definitionArn(account, rest.family, revision),
    status: 'ACTIVE',
    registeredAtMs: nowMs,
    registeredBy: `arn:aws:iam::${account.accountId}:root`,
    tags,
  };
}
