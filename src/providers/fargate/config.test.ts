import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { parseFargateConfig, readFargateConfig } from './config.ts';

const least = 'Region = "eu-west-1"\nSubnets = ["subnet-12345678"]\n';

test('a file with what is mandatory has the defaults of the Go provider', () => {
  const config = parseFargateConfig(least, {});
  assert.deepEqual(config, {
    region: 'eu-west-1',
    endpoint: undefined,
    clusterName: 'default',
    subnets: ['subnet-12345678'],
    securityGroups: [],
    assignPublicIp: false,
    executionRoleArn: undefined,
    taskRoleArn: undefined,
    logGroupName: undefined,
    logOptions: {},
    platformVersion: 'LATEST',
    operatingSystem: 'linux',
    architecture: 'amd64',
    capacity: { cpu: '20', memory: '40Gi', storage: '40Gi', pods: '20' },
    capacityProviders: [],
    tags: {},
    eventQueueUrl: undefined,
    secretPrefix: 'virtual-kubelet',
    allowTmpfs: false,
    computeTypeLabel: false,
  });
});

test('the example file of the Go provider is taken as it is', () => {
  const config = parseFargateConfig(
    `
    Region = "us-east-1"
    ClusterName = "fargate1"
    Subnets = ["subnet-12345678"]
    SecurityGroups = ["sg-12345678", "sg-87654321"]
    AssignPublicIPv4Address = false
    ExecutionRoleArn = ""
    CloudWatchLogGroupName = ""
    PlatformVersion = "LATEST"
    OperatingSystem = "Linux"
    CPU = "20"
    Memory = "40Gi"
    Pods = "20"
    `,
    {},
  );
  assert.equal(config.clusterName, 'fargate1');
  assert.equal(config.executionRoleArn, undefined);
  assert.equal(config.logGroupName, undefined);
});

test('new keys are read', () => {
  const config = parseFargateConfig(
    `${least}
    Endpoint = "http://127.0.0.1:4566"
    SecretPrefix = "k8s/"
    CpuArchitecture = "ARM64"
    Tags = { team = "web" }
    [[CapacityProviderStrategy]]
    CapacityProvider = "FARGATE"
    Base = 1
    [[CapacityProviderStrategy]]
    CapacityProvider = "FARGATE_SPOT"
    Weight = 4
    `,
    { AWS_ENDPOINT_URL: 'http://elsewhere' },
  );
  assert.equal(config.endpoint, 'http://127.0.0.1:4566');
  assert.equal(config.secretPrefix, 'k8s');
  assert.equal(config.architecture, 'arm64');
  assert.deepEqual(config.tags, { team: 'web' });
  assert.deepEqual(config.capacityProviders, [
    { name: 'FARGATE', weight: 1, base: 1 },
    { name: 'FARGATE_SPOT', weight: 4, base: 0 },
  ]);
});

test('Region and endpoint come from the environment where the file has none', () => {
  const config = parseFargateConfig('Subnets = ["subnet-1"]', {
    AWS_REGION: 'us-west-2',
    AWS_ENDPOINT_URL: 'http://localhost:1',
  });
  assert.equal(config.region, 'us-west-2');
  assert.equal(config.endpoint, 'http://localhost:1');
  assert.equal(parseFargateConfig(least, { AWS_REGION: 'us-west-2' }).region, 'eu-west-1');
});

const mistakes: readonly (readonly [string, string])[] = [
  [
    'Subnets = ["subnet-1"]',
    'Region: is missing, and neither AWS_REGION nor AWS_DEFAULT_REGION is set; write for example Region = "us-east-1"',
  ],
  ['Region = "eu-west-1"', 'Subnets: is to be a list of texts, and is missing'],
  ['Region = "eu-west-1"\nSubnets = []', 'Subnets: is to name one subnet at least (it is [])'],
  ['Region = "eu-west-1"\nSubnets = ["net-1"]', 'Subnets[0]: is to look like "subnet-0123abcd" (it is "net-1")'],
  [
    `${least}ClusterName = "a_b"`,
    'ClusterName: is to be of letters, digits and hyphens (no underscore), 255 at most (it is "a_b")',
  ],
  [`${least}CPU = "100m"`, 'CPU: is to be 250m or more (it is "100m")'],
  [`${least}CPU = 20`, 'CPU: is to be a quantity in quotes, such as "20" or "40Gi" (it is 20)'],
  [
    `${least}Memory = "lots"`,
    'Memory: "lots" is not a quantity; write for example 100m, 0.5, 2Gi or 1e3 (it is "lots")',
  ],
  [`${least}Pods = "0"`, 'Pods: is to be 1 or more (it is "0")'],
  [`${least}OperatingSystem = "Plan9"`, 'OperatingSystem: is to be "Linux" or "Windows" (it is "Plan9")'],
  [`${least}AssignPublicIPv4Address = "yes"`, 'AssignPublicIPv4Address: is to be true or false (it is "yes")'],
  [
    `${least}CloudWatchLogGroupName = "/ecs/vk"`,
    'CloudWatchLogGroupName: needs ExecutionRoleArn: the role with which Fargate writes the logs (it is "/ecs/vk")',
  ],
  [`${least}clusterName = "a"`, 'clusterName: is not known; write ClusterName'],
  [
    `${least}[[CapacityProviderStrategy]]\nCapacityProvider = "EC2"`,
    'CapacityProviderStrategy[0].CapacityProvider: is to be "FARGATE" or "FARGATE_SPOT" (it is "EC2")',
  ],
  [
    `${least}LogOptions = { awslogs-group = "x" }`,
    'LogOptions: may not have awslogs-group, which is set by us (it is {"awslogs-group":"x"})',
  ],
  [`${least}Region = 5`.replace('Region = "eu-west-1"\n', ''), 'Region: is to be a text (it is 5)'],
  [`${least}SecurityGroups = ["x"]`, 'SecurityGroups[0]: is to look like "sg-0123abcd" (it is "x")'],
  [
    `${least}SecurityGroups = ["sg-1","sg-2","sg-3","sg-4","sg-5","sg-6"]`,
    'SecurityGroups: is to have 5 entries at most (it is ["sg-1","sg-2","sg-3","sg-4","sg-5","sg-6"])',
  ],
  [
    `${least}ExecutionRoleArn = "role"`,
    'ExecutionRoleArn: is to look like "arn:aws:iam::123456789012:role/name" (it is "role")',
  ],
  [
    `${least}TaskRoleArn = "arn:aws:iam::1:role/x"`,
    'TaskRoleArn: is to look like "arn:aws:iam::123456789012:role/name" (it is "arn:aws:iam::1:role/x")',
  ],
  [
    `${least}PlatformVersion = "newest"`,
    'PlatformVersion: is to be "LATEST" or a version such as "1.4.0" (it is "newest")',
  ],
  [`${least}Storage = "-1"`, 'Storage: is to be 0 or more (it is "-1")'],
  [`${least}Endpoint = "localhost:4566"`, 'Endpoint: is to look like "http://127.0.0.1:4566" (it is "localhost:4566")'],
  [`${least}CpuArchitecture = "riscv"`, 'CpuArchitecture: is to be "X86_64" or "ARM64" (it is "riscv")'],
  [
    `${least}OperatingSystem = "Windows"\nCpuArchitecture = "ARM64"`,
    'CpuArchitecture: is to be "X86_64" where OperatingSystem is "Windows" (it is "ARM64")',
  ],
  [`${least}Tags = ["a"]`, 'Tags: is to be a table of texts (it is ["a"])'],
  [
    `${least}Tags = { "aws:x" = "y" }`,
    'Tags: has "aws:x": keys are 1 to 128 characters of letters, digits, spaces and +-=._:/@, without aws: in front, values 256 at most (it is {"aws:x":"y"})',
  ],
  [`${least}LogOptions = { mode = 1 }`, 'LogOptions.mode: is to be a text (it is 1)'],
  [
    `${least}EventQueueUrl = "queue"`,
    'EventQueueUrl: is to look like "https://sqs.us-east-1.amazonaws.com/123456789012/name" (it is "queue")',
  ],
  [`${least}SecretPrefix = "a b"`, 'SecretPrefix: is to be of letters, digits and /_+=.@-, 128 at most (it is "a b")'],
  [`${least}Tmpfs = "on"`, 'Tmpfs: is to be true or false (it is "on")'],
  [`${least}EksComputeTypeLabel = 1`, 'EksComputeTypeLabel: is to be true or false (it is 1)'],
  [
    `${least}[[CapacityProviderStrategy]]\nCapacityProvider = "FARGATE"\nWeight = 0`,
    'CapacityProviderStrategy: is to have one entry at least whose Weight is over 0 (it is [{"CapacityProvider":"FARGATE","Weight":0}])',
  ],
  [
    `${least}[[CapacityProviderStrategy]]\nCapacityProvider = "FARGATE"\nWheight = 1`,
    'CapacityProviderStrategy[0].Wheight: is not known; the keys are CapacityProvider, Weight, Base',
  ],
];

test('each mistake is told with key, value and what is allowed', async (t) => {
  for (const [text, expected] of mistakes) {
    await t.test(expected, () => {
      assert.throws(
        () => parseFargateConfig(text, {}),
        (error) => hasCode(error, 'InvalidInput') && error.message === expected,
      );
    });
  }
});

test('an unknown key is told with all that there are', () => {
  assert.throws(
    () => parseFargateConfig(`${least}Colour = "red"`, {}),
    /^CodedError: Colour: is not known; the keys are Region, ClusterName, /,
  );
});

test('all mistakes of a file are told at once, with its name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fargate-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'fargate.toml');
  await writeFile(file, 'Region = "mars"\nSubnets = "subnet-1"\n');
  await assert.rejects(readFargateConfig(file, {}), {
    message: `the provider configuration ${file} is wrong:
Region: is to look like "us-east-1" (it is "mars")
Subnets: is to be a list of texts (it is "subnet-1")`,
  });
  await writeFile(file, 'Region = \n');
  await assert.rejects(readFargateConfig(file, {}), /it is no TOML/);
  await assert.rejects(readFargateConfig(join(folder, 'none'), {}), /cannot read the provider configuration/);
  await assert.rejects(readFargateConfig(undefined, {}), /needs --provider-config/);
});
