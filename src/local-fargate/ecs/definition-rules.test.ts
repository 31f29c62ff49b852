import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { definitionInput } from '../testing/definitions.ts';
import { fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

const fargate = await new TestFargate(fakeRuntime(systemClock), {}).start();
test.after(() => fargate[Symbol.asyncDispose]());

const app = { name: 'app' };
const withContainer = (more: object): object => definitionInput([{ ...app, ...more }]);
const withSysctl = (namespace: string): object => withContainer({ systemControls: [{ namespace, value: '1' }] });
const accessPoint = { accessPointId: 'fsap-1' };
const withEfs = (efs: object): object =>
  definitionInput([app], { volumes: [{ name: 'v', efsVolumeConfiguration: { fileSystemId: 'fs-1', ...efs } }] });
const windows = 'WINDOWS_SERVER_2022_CORE';
const onWindows = (container: object, more: object = {}): object =>
  definitionInput([{ ...app, ...container }], {
    cpu: '1024',
    memory: '2048',
    runtimePlatform: { operatingSystemFamily: windows },
    ...more,
  });

for (const [name, input, refusal] of [
  [
    'more memory than the task',
    withContainer({ memory: 1024 }),
    /^ClientException: The 'memory' setting for container 'app' is greater than for the task/,
  ],
  [
    'containers with more memory than the task',
    definitionInput([
      { name: 'a', memory: 400 },
      { name: 'b', memory: 113 },
    ]),
    /^ClientException: The sum of all container 'memory' values cannot be greater than the value of the task 'memory'/,
  ],
  [
    'more memory set aside than the task has',
    definitionInput([
      { name: 'a', memory: 512, memoryReservation: 400 },
      { name: 'b', memory: 113 },
    ]),
    /^ClientException: The sum of all container 'memoryReservation' values cannot be greater/,
  ],
  [
    'as much memory set aside as may be used',
    withContainer({ memory: 256, memoryReservation: 256 }),
    /^ClientException: Invalid setting for container 'app'. 'memory' must be greater than 'memoryReservation'/,
  ],
  [
    'more CPU than the task',
    withContainer({ cpu: 1024 }),
    /^ClientException: The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'/,
  ],
  [
    'containers with more CPU than the task',
    definitionInput([
      { name: 'a', cpu: 256 },
      { name: 'b', cpu: 1 },
    ]),
    /^ClientException: The sum of all container 'cpu' values/,
  ],
  [
    'a port twice in a container',
    withContainer({ portMappings: [{ containerPort: 80 }, { containerPort: 80, hostPort: 80 }] }),
    /^ClientException: TCP host port '80' is mapped multiple times in task/,
  ],
  [
    'a port of two containers',
    definitionInput(['a', 'b'].map((name) => ({ name, portMappings: [{ containerPort: 53, protocol: 'udp' }] }))),
    /^ClientException: UDP host port '53' is mapped multiple times in task/,
  ],
  [
    'logs without a stream prefix',
    withContainer({ logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/g' } } }),
    /^ClientException: Fargate requires log configuration options to include awslogs-stream-prefix/,
  ],
  ['a sysctl of the whole kernel', withSysctl('kernel.pid_max'), /^ClientException: .*'kernel.pid_max'/],
  ['a sysctl of another file system', withSysctl('fs.aio-max-nr'), /^ClientException: .*'fs.aio-max-nr'/],
  [
    'a folder of an access point of EFS',
    withEfs({ rootDirectory: '/x', transitEncryption: 'ENABLED', authorizationConfig: accessPoint }),
    /^ClientException: When using an EFS access point, the root directory must either be set to "\/" or be omitted/,
  ],
  [
    'an access point of EFS in the clear',
    withEfs({ authorizationConfig: accessPoint }),
    /^ClientException: EFS access point requires TransitEncryption/,
  ],
  [
    'EFS by IAM in the clear',
    withEfs({ transitEncryption: 'DISABLED', authorizationConfig: { iam: 'ENABLED' } }),
    /^ClientException: EFS IAM authorization requires TransitEncryption/,
  ],
  [
    'a port for encryption that there is not',
    withEfs({ transitEncryptionPort: 2999 }),
    /^ClientException: TransitEncryptionPort requires/,
  ],
  [
    'Windows with less than a vCPU',
    onWindows({}, { cpu: '512', memory: '1024' }),
    /^ClientException: No Fargate configuration exists for given values: 512 CPU, 1024 memory/,
  ],
  [
    'Windows with more than four vCPUs',
    onWindows({}, { cpu: '8192', memory: '16384' }),
    /^ClientException: No Fargate configuration exists/,
  ],
  [
    'Windows on ARM',
    onWindows({}, { runtimePlatform: { operatingSystemFamily: windows, cpuArchitecture: 'ARM64' } }),
    /^ClientException: .*ARM64/,
  ],
  ['shared processes on Windows', onWindows({}, { pidMode: 'task' }), /^ClientException: pidMode/],
  ['a user on Windows', onWindows({ user: '1000' }), /^ClientException: .*user is not supported for Windows/],
  ['a root that is read only on Windows', onWindows({ readonlyRootFilesystem: true }), /readonlyRootFilesystem/],
  ['an init process on Windows', onWindows({ linuxParameters: { initProcessEnabled: true } }), /linuxParameters/],
  [
    'ulimits on Windows',
    onWindows({ ulimits: [{ name: 'nofile', softLimit: 1, hardLimit: 1 }] }),
    /ulimits is not supported/,
  ],
  [
    'a sysctl on Windows',
    onWindows({ systemControls: [{ namespace: 'net.ipv4.tcp_syncookies', value: '1' }] }),
    /systemControls is not supported/,
  ],
] as const) {
  test(`${name} is refused`, async () => {
    assert.match(await fargate.refusal('ecs', 'RegisterTaskDefinition', input), refusal);
  });
}

for (const [name, input] of [
  [
    'containers that have all of the task together',
    definitionInput([
      { name: 'a', cpu: 200, memory: 512, memoryReservation: 112 },
      { name: 'b', cpu: 56, memory: 400 },
      { name: 'c' },
    ]),
  ],
  [
    'one port of both protocols',
    withContainer({
      portMappings: [{ containerPort: 53 }, { containerPort: 53, protocol: 'udp' }],
    }),
  ],
  [
    'two ports that the host chooses',
    definitionInput([{ ...app, portMappings: [{ containerPort: 80 }, { containerPort: 80 }] }], {
      networkMode: 'bridge',
      requiresCompatibilities: ['EC2'],
    }),
  ],
  ['a sysctl of the network', withSysctl('net.core.somaxconn')],
  ['a sysctl of the message queues', withSysctl('fs.mqueue.msg_max')],
  ['a sysctl of the IPC namespace', withSysctl('kernel.msgmax')],
  ['the root of EFS in the clear', withEfs({ rootDirectory: '/x' })],
  [
    'an access point of EFS',
    withEfs({
      rootDirectory: '/',
      transitEncryption: 'ENABLED',
      authorizationConfig: { ...accessPoint, iam: 'ENABLED' },
    }),
  ],
  ['Windows', onWindows({ readonlyRootFilesystem: false, linuxParameters: {}, ulimits: [] })],
] as const) {
  test(`${name} can be registered`, async () => {
    await fargate.ok('ecs', 'RegisterTaskDefinition', { ...input, family: 'taken' });
  });
}
