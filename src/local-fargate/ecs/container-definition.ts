import { z } from 'zod';

const nameValue = z.object({ name: z.string(), value: z.string().default('') });
const secret = z.object({ name: z.string().min(1), valueFrom: z.string().min(1) });
const portNumber = z.number().int().min(0).max(65_535);

const portMapping = z.object({
  containerPort: portNumber.optional(),
  hostPort: portNumber.optional(),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  name: z.string().optional(),
  appProtocol: z.enum(['http', 'http2', 'grpc']).optional(),
  containerPortRange: z.string().optional(),
});

const healthCheck = z.object({
  command: z.array(z.string()).min(1),
  interval: z.number().int().min(5).max(300).default(30),
  timeout: z.number().int().min(2).max(60).default(5),
  retries: z.number().int().min(1).max(10).default(3),
  startPeriod: z.number().int().min(0).max(300).optional(),
});

const ulimitNames = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const;

const ulimit = z.object({
  name: z.enum(ulimitNames),
  /** −1 for none. */
  softLimit: z.number().int().min(-1),
  hardLimit: z.number().int().min(-1),
});

const linuxParameters = z.object({
  capabilities: z.object({ add: z.array(z.string()).optional(), drop: z.array(z.string()).optional() }).optional(),
  devices: z.array(z.unknown()).optional(),
  initProcessEnabled: z.boolean().optional(),
  sharedMemorySize: z.number().int().optional(),
  tmpfs: z
    .array(
      z.object({
        containerPath: z.string(),
        size: z.number().int().min(1),
        mountOptions: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  maxSwap: z.number().int().optional(),
  swappiness: z.number().int().optional(),
});

/** All members of ECS's model. What Fargate forbids is named here too: it is refused by `fargate-rules`, not dropped. */
export const containerDefinitionSchema = z.object({
  name: z
    .string({ error: 'Container.name should not be null or empty.' })
    .regex(/^[A-Za-z0-9_-]{1,255}$/, 'Container.name contains invalid characters.'),
  image: z.string({ error: 'Container.image should not be null or empty.' }).regex(/^\S{1,255}$/, {
    error: 'Container.image contains invalid characters.',
  }),
  repositoryCredentials: z.object({ credentialsParameter: z.string() }).optional(),
  cpu: z.number().int().min(0).default(0),
  memory: z.number().int().min(6).optional(),
  memoryReservation: z.number().int().min(6).optional(),
  links: z.array(z.string()).optional(),
  portMappings: z.array(portMapping).default([]),
  essential: z.boolean().default(true),
  restartPolicy: z
    .object({
      enabled: z.boolean(),
      ignoredExitCodes: z.array(z.number().int()).max(50).optional(),
      restartAttemptPeriod: z.number().int().min(60).max(1800).optional(),
    })
    .optional(),
  entryPoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(nameValue).default([]),
  environmentFiles: z.array(z.object({ value: z.string(), type: z.literal('s3') })).optional(),
  mountPoints: z
    .array(
      z.object({
        sourceVolume: z.string().optional(),
        containerPath: z.string().optional(),
        readOnly: z.boolean().optional(),
      }),
    )
    .default([]),
  volumesFrom: z
    .array(z.object({ sourceContainer: z.string().optional(), readOnly: z.boolean().optional() }))
    .default([]),
  linuxParameters: linuxParameters.optional(),
  secrets: z.array(secret).optional(),
  dependsOn: z
    .array(
      z.object({
        containerName: z.string(),
        condition: z.enum(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']),
      }),
    )
    .optional(),
  startTimeout: z.number().int().min(2).max(120).optional(),
  stopTimeout: z.number().int().min(2).max(120).optional(),
  versionConsistency: z.enum(['enabled', 'disabled']).optional(),
  hostname: z.string().optional(),
  user: z.string().optional(),
  workingDirectory: z.string().optional(),
  disableNetworking: z.boolean().optional(),
  privileged: z.boolean().optional(),
  readonlyRootFilesystem: z.boolean().optional(),
  dnsServers: z.array(z.string()).optional(),
  dnsSearchDomains: z.array(z.string()).optional(),
  extraHosts: z.array(z.object({ hostname: z.string(), ipAddress: z.string() })).optional(),
  dockerSecurityOptions: z.array(z.string()).optional(),
  interactive: z.boolean().optional(),
  pseudoTerminal: z.boolean().optional(),
  dockerLabels: z.record(z.string(), z.string()).optional(),
  ulimits: z.array(ulimit).optional(),
  logConfiguration: z
    .object({
      logDriver: z.enum(['json-file', 'syslog', 'journald', 'gelf', 'fluentd', 'awslogs', 'splunk', 'awsfirelens']),
      options: z.record(z.string(), z.string()).optional(),
      secretOptions: z.array(secret).optional(),
    })
    .optional(),
  healthCheck: healthCheck.optional(),
  systemControls: z.array(z.object({ namespace: z.string().optional(), value: z.string().optional() })).default([]),
  resourceRequirements: z.array(z.object({ value: z.string(), type: z.string() })).optional(),
  firelensConfiguration: z.object({ type: z.string() }).loose().optional(),
  credentialSpecs: z.array(z.string()).optional(),
});

export type ContainerDefinition = z.output<typeof containerDefinitionSchema>;
export type Secret = z.output<typeof secret>;
export type HealthCheck = z.output<typeof healthCheck>;
