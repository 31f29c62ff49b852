import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { parseQuantity } from '../../podspec/resources/quantity.ts';
import { CodedError, messageOf } from '../../support/errors.ts';

/** One capacity provider of a strategy, in ECS's sense: weights share out what is above the bases. */
export interface CapacityProvider {
  readonly name: 'FARGATE' | 'FARGATE_SPOT';
  readonly weight: number;
  readonly base: number;
}

/** The provider's configuration, checked and with its defaults. */
export interface FargateConfig {
  readonly region: string;
  /** Where AWS's APIs are asked in place of the Region's own endpoints. */
  readonly endpoint: string | undefined;
  /** Of the ECS cluster. */
  readonly clusterName: string;
  readonly subnets: readonly string[];
  /** None: the VPC's default group. */
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: boolean;
  readonly executionRoleArn: string | undefined;
  /** Of pods that ask for no role. */
  readonly taskRoleArn: string | undefined;
  /** Undefined: containers' output is kept nowhere. */
  readonly logGroupName: string | undefined;
  /** Options of the awslogs driver beside those that we set. */
  readonly logOptions: Readonly<Record<string, string>>;
  readonly platformVersion: string;
  readonly operatingSystem: 'linux' | 'windows';
  /** Of the node, and of pods that do not ask for one. */
  readonly architecture: 'amd64' | 'arm64';
  /** What the node claims to have, as quantities. */
  readonly capacity: { readonly cpu: string; readonly memory: string; readonly storage: string; readonly pods: string };
  /** Empty: On-Demand, by launch type. */
  readonly capacityProviders: readonly CapacityProvider[];
  /** On every task, task definition and secret of ours. */
  readonly tags: Readonly<Record<string, string>>;
  /** A queue that gets the cluster's task state changes from EventBridge. */
  readonly eventQueueUrl: string | undefined;
  /** What the names of our entries in Secrets Manager begin with. */
  readonly secretPrefix: string;
  /** Whether Fargate takes tmpfs mounts, which emptyDirs in memory need. */
  readonly allowTmpfs: boolean;
  /** Whether the node has the label that keeps AWS's DaemonSets away. */
  readonly computeTypeLabel: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As in the Go provider's file, "" is the same as nothing. */
function optionalMatching(pattern: RegExp, example: string): z.ZodType<string | undefined, string | undefined> {
  return z
    .string('is to be a text')
    .refine((text) => text === '' || pattern.test(text), `is to look like ${example}`)
    .transform((text) => text || undefined)
    .optional();
}

function quantityFrom(least: string): z.ZodType<string, string> {
  return z.string('is to be a quantity in quotes, such as "20" or "40Gi"').superRefine((text, context) => {
    try {
      if (parseQuantity(text) < parseQuantity(least)) context.addIssue(`is to be ${least} or more`);
    } catch (error) {
      context.addIssue(messageOf(error));
    }
  });
}

function idsOf(pattern: RegExp, { example, most }: { example: string; most: number }): z.ZodArray<z.ZodString> {
  return z
    .array(z.string('is to be a text').regex(pattern, `is to look like ${example}`), 'is to be a list of texts')
    .max(most, `is to have ${most} entries at most`);
}

const roleArn = optionalMatching(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, '"arn:aws:iam::123456789012:role/name"');
const operatingSystems = { linux: 'linux', windows: 'windows' } as const;
const architectures = { x86_64: 'amd64', arm64: 'arm64' } as const;

function oneOf<T extends string>(words: Readonly<Record<string, T>>, allowed: string): z.ZodType<T, string> {
  return z.string(`is to be ${allowed}`).transform((text, context): T => {
    const found = words[text.toLowerCase()];
    if (found !== undefined) return found;
    context.addIssue(`is to be ${allowed}`);
    return z.NEVER;
  });
}

const capacityProvider = z.strictObject({
  CapacityProvider: z.enum(['FARGATE', 'FARGATE_SPOT'], 'is to be "FARGATE" or "FARGATE_SPOT"'),
  Weight: z.int('is to be a whole number').min(0, 'is to be 0 or more').max(1000, 'is to be 1000 or less').default(1),
  Base: z
    .int('is to be a whole number')
    .min(0, 'is to be 0 or more')
    .max(100_000, 'is to be 100000 or less')
    .default(0),
});

/** Set by us; another value would lose the logs. */
const ownLogOptions = ['awslogs-group', 'awslogs-region', 'awslogs-stream-prefix'];

/** The keys of the Go provider's fargate.toml, then the new ones. */
const fileSchema = z.strictObject({
  Region: optionalMatching(/^[a-z]{2,}(-[a-z]+)+-\d+$/, '"us-east-1"'),
  ClusterName: z
    .string('is to be a text')
    .regex(/^[A-Za-z0-9-]{1,255}$/, 'is to be of letters, digits and hyphens (no underscore), 255 at most')
    .default('default'),
  Subnets: idsOf(/^subnet-\w+$/, { example: '"subnet-0123abcd"', most: 16 }).min(1, 'is to name one subnet at least'),
  SecurityGroups: idsOf(/^sg-\w+$/, { example: '"sg-0123abcd"', most: 5 }).default([]),
  AssignPublicIPv4Address: z.boolean('is to be true or false').default(false),
  ExecutionRoleArn: roleArn,
  CloudWatchLogGroupName: optionalMatching(/^[.\-_/#A-Za-z0-9]{1,512}$/, '"/ecs/virtual-kubelet"'),
  PlatformVersion: z
    .string('is to be a text')
    .regex(/^(LATEST|\d+\.\d+\.\d+)$/, 'is to be "LATEST" or a version such as "1.4.0"')
    .default('LATEST'),
  OperatingSystem: oneOf(operatingSystems, '"Linux" or "Windows"').default('linux'),
  CPU: quantityFrom('250m').default('20'),
  Memory: quantityFrom('512Mi').default('40Gi'),
  Storage: quantityFrom('0').default('40Gi'),
  Pods: quantityFrom('1').default('20'),

  Endpoint: optionalMatching(/^https?:\/\/\S+$/, '"http://127.0.0.1:4566"'),
  TaskRoleArn: roleArn,
  CpuArchitecture: oneOf(architectures, '"X86_64" or "ARM64"').default('amd64'),
  CapacityProviderStrategy: z
    .array(capacityProvider, 'is to be a list of tables')
    .max(20, 'is to have 20 entries at most')
    .default([]),
  Tags: z.record(z.string(), z.string('is to be a text'), 'is to be a table of texts').default({}),
  LogOptions: z.record(z.string(), z.string('is to be a text'), 'is to be a table of texts').default({}),
  EventQueueUrl: optionalMatching(/^https?:\/\/\S+$/, '"https://sqs.us-east-1.amazonaws.com/123456789012/name"'),
  SecretPrefix: z
    .string('is to be a text')
    .regex(/^[A-Za-z0-9/_+=.@-]{1,128}$/, 'is to be of letters, digits and /_+=.@-, 128 at most')
    .default('virtual-kubelet'),
  Tmpfs: z.boolean('is to be true or false').default(false),
  EksComputeTypeLabel: z.boolean('is to be true or false').default(false),
});

const checkedSchema = fileSchema.superRefine((file, context) => {
  const complain = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
  if (file.CloudWatchLogGroupName !== undefined && file.ExecutionRoleArn === undefined) {
    complain('CloudWatchLogGroupName', 'needs ExecutionRoleArn: the role with which Fargate writes the logs');
  }
  for (const key of ownLogOptions.filter((own) => own in file.LogOptions)) {
    complain('LogOptions', `may not have ${key}, which is set by us`);
  }
  if (Object.keys(file.Tags).length > 40) complain('Tags', 'is to have 40 entries at most: ECS takes 50, we add some');
  for (const [key, value] of Object.entries(file.Tags)) {
    if (!isTag(key, value))
      complain(
        'Tags',
        `has ${JSON.stringify(key)}: keys are 1 to 128 characters of letters, digits, spaces and +-=._:/@, without aws: in front, values 256 at most`,
      );
  }
  if (file.CapacityProviderStrategy.length > 0 && !file.CapacityProviderStrategy.some(({ Weight }) => Weight > 0)) {
    complain('CapacityProviderStrategy', 'is to have one entry at least whose Weight is over 0');
  }
  if (file.OperatingSystem === 'windows' && file.CpuArchitecture === 'arm64') {
    complain('CpuArchitecture', 'is to be "X86_64" where OperatingSystem is "Windows"');
  }
});

function isTag(key: string, value: string): boolean {
  const characters = /^[\p{L}\p{N}\p{Z}_.:/=+\-@]*$/u;
  return (
    /^.{1,128}$/u.test(key) &&
    value.length <= 256 &&
    characters.test(key + value) &&
    !key.toLowerCase().startsWith('aws:')
  );
}

/**
 * Reads `--provider-config`, a TOML file. What it leaves out comes from the environment (`AWS_REGION`,
 * `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL`) or has its default. `InvalidInput` has a line for each mistake, with key,
 * value and what is allowed.
 */
export async function readFargateConfig(file: string | undefined, environment: Environment): Promise<FargateConfig> {
  if (file === undefined) {
    throw new CodedError(
      'InvalidInput',
      'the provider aws needs --provider-config with a TOML file that sets Region and Subnets at least; see docs/fargate.md',
    );
  }
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CodedError('InvalidInput', `cannot read the provider configuration ${file}`, { cause });
  }
  try {
    return parseFargateConfig(text, environment);
  } catch (error) {
    throw new CodedError('InvalidInput', `the provider configuration ${file} is wrong:\n${messageOf(error)}`);
  }
}

/** The configuration in a TOML text; `InvalidInput` as `readFargateConfig`, without the file's name. */
export function parseFargateConfig(text: string, environment: Environment): FargateConfig {
  const toml = parseToml(text);
  const checked = checkedSchema.safeParse(toml);
  const region = checked.data?.Region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  const lines = checked.success ? [] : checked.error.issues.flatMap((issue) => describeIssue(issue, toml));
  if (checked.success && !region)
    lines.push(
      'Region: is missing, and neither AWS_REGION nor AWS_DEFAULT_REGION is set; write for example Region = "us-east-1"',
    );
  if (!checked.success || !region) throw new CodedError('InvalidInput', lines.join('\n'));
  const keys = checked.data;
  return {
    region,
    endpoint: keys.Endpoint ?? (environment['AWS_ENDPOINT_URL'] || undefined),
    clusterName: keys.ClusterName,
    subnets: keys.Subnets,
    securityGroups: keys.SecurityGroups,
    assignPublicIp: keys.AssignPublicIPv4Address,
    executionRoleArn: keys.ExecutionRoleArn,
    taskRoleArn: keys.TaskRoleArn,
    logGroupName: keys.CloudWatchLogGroupName,
    logOptions: keys.LogOptions,
    platformVersion: keys.PlatformVersion,
    operatingSystem: keys.OperatingSystem,
    architecture: keys.CpuArchitecture,
    capacity: { cpu: keys.CPU, memory: keys.Memory, storage: keys.Storage, pods: keys.Pods },
    capacityProviders: keys.CapacityProviderStrategy.map(({ CapacityProvider, Weight, Base }) => ({
      name: CapacityProvider,
      weight: Weight,
      base: Base,
    })),
    tags: keys.Tags,
    eventQueueUrl: keys.EventQueueUrl,
    secretPrefix: keys.SecretPrefix.replace(/\/+$/, ''),
    allowTmpfs: keys.Tmpfs,
    computeTypeLabel: keys.EksComputeTypeLabel,
  };
}

function parseToml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new CodedError('InvalidInput', `it is no TOML: ${messageOf(error)}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue, toml: unknown): string[] {
  const place = issue.path.reduce<string>((at, key) => joined(at, key), '');
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? fileSchema : capacityProvider;
    return issue.keys.map(
      (key) => `${[place, key].filter(Boolean).join('.')}: is not known; ${suggestion(key, known)}`,
    );
  }
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], toml);
  return [
    `${place}: ${issue.message}${value === undefined ? ', and is missing' : ` (it is ${JSON.stringify(value)})`}`,
  ];
}

function joined(place: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${place}[${key}]`;
  return place === '' ? String(key) : `${place}.${String(key)}`;
}

function suggestion(key: string, known: z.ZodObject): string {
  const keys = Object.keys(known.shape);
  const meant = keys.find((each) => each.toLowerCase() === key.toLowerCase());
  return meant === undefined ? `the keys are ${keys.join(', ')}` : `write ${meant}`;
}
