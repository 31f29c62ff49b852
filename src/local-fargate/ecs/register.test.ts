import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { definitionInput } from '../testing/definitions.ts';
import { fakeRuntime, TestFargate } from '../testing/local-fargate.ts';
import { isFargateSize } from './fargate-sizes.ts';

const fargate = await new TestFargate(fakeRuntime(systemClock), {}).start();
test.after(() => fargate[Symbol.asyncDispose]());

const app = { name: 'app' };
const withContainer = (more: object): object => definitionInput([{ ...app, ...more }]);
const logs = { logConfiguration: { logDriver: 'awslogs', options: {} } };

for (const [name, input, refusal] of [
  [
    'a size that Fargate has not',
    definitionInput([app], { memory: '4096' }),
    /^ClientException: No Fargate configuration exists for given values: 256 CPU, 4096 memory/,
  ],
  [
    'no CPU',
    definitionInput([app], { cpu: undefined }),
    /^ClientException: Fargate requires that 'cpu' be defined at the task level/,
  ],
  ['no memory', definitionInput([app], { memory: undefined }), /memory/],
  [
    'another network mode',
    definitionInput([app], { networkMode: 'bridge' }),
    /^ClientException: Fargate only supports network mode ‘awsvpc’/,
  ],
  ['no containers', definitionInput([]), /^InvalidParameterException: .*Container list cannot be empty/],
  [
    'eleven containers',
    definitionInput(Array.from({ length: 11 }, (_, index) => ({ name: `c${index}` }))),
    /maximum number of containers is 10/,
  ],
  ['a container twice', definitionInput([app, app]), /^ClientException: Container names must be unique/],
  ['nothing essential', withContainer({ essential: false }), /^ClientException: .*at least one essential/],
  ['a family that cannot be', definitionInput([app], { family: 'a.b' }), /Family contains invalid characters/],
  ['privileged', withContainer({ privileged: true }), /^ClientException: .*privileged/],
  ['links', withContainer({ links: ['x'] }), /links/],
  ['extraHosts', withContainer({ extraHosts: [{ hostname: 'a', ipAddress: '1.2.3.4' }] }), /extraHosts/],
  ['dnsServers', withContainer({ dnsServers: ['1.1.1.1'] }), /dnsServers/],
  ['disableNetworking', withContainer({ disableNetworking: true }), /disableNetworking/],
  ['a hostname', withContainer({ hostname: 'x' }), /hostname is not supported/],
  ['devices', withContainer({ linuxParameters: { devices: [{ hostPath: '/dev/x' }] } }), /devices/],
  ['tmpfs', withContainer({ linuxParameters: { tmpfs: [{ containerPath: '/t', size: 1 }] } }), /tmpfs/],
  ['another capability', withContainer({ linuxParameters: { capabilities: { add: ['NET_ADMIN'] } } }), /SYS_PTRACE/],
  ['a GPU', withContainer({ resourceRequirements: [{ type: 'GPU', value: '1' }] }), /GPU/],
  ['the host’s processes', definitionInput([app], { pidMode: 'host' }), /pidMode/],
  ['ipcMode', definitionInput([app], { ipcMode: 'task' }), /ipcMode/],
  [
    'a folder of the host',
    definitionInput([app], { volumes: [{ name: 'v', host: { sourcePath: '/x' } }] }),
    /sourcePath/,
  ],
  [
    'little storage',
    definitionInput([app], { ephemeralStorage: { sizeInGiB: 20 } }),
    /^InvalidParameterException: ephemeralStorage/,
  ],
  [
    'logs without a role',
    { ...withContainer(logs), executionRoleArn: undefined },
    /execution role ARN to support log driver awslogs/,
  ],
  [
    'secrets without a role',
    { ...withContainer({ secrets: [{ name: 'A', valueFrom: 'b' }] }), executionRoleArn: undefined },
    /executionRoleArn/,
  ],
  [
    'a volume that there is not',
    withContainer({ mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }] }),
    /Unknown volume 'v'/,
  ],
  [
    'a dependency that there is not',
    withContainer({ dependsOn: [{ containerName: 'x', condition: 'START' }] }),
    /Unknown container 'x'/,
  ],
  [
    'a circle',
    definitionInput([
      { name: 'a', dependsOn: [{ containerName: 'b', condition: 'START' }] },
      { name: 'b', dependsOn: [{ containerName: 'a', condition: 'START' }] },
    ]),
    /circular: a -> b -> a/,
  ],
  [
    'the success of an essential container',
    definitionInput([app, { name: 'b', dependsOn: [{ containerName: 'app', condition: 'SUCCESS' }] }]),
    /Essential container 'app'/,
  ],
  [
    'the health of one without a check',
    definitionInput([app, { name: 'b', dependsOn: [{ containerName: 'app', condition: 'HEALTHY' }] }]),
    /must have a health check/,
  ],
  ['a check that is no command', withContainer({ healthCheck: { command: ['curl'] } }), /CMD/],
  ['a check that comes too often', withContainer({ healthCheck: { command: ['CMD', 'x'], interval: 4 } }), /interval/],
  ['a long stop', withContainer({ stopTimeout: 121 }), /stopTimeout/],
  ['a port of the host', withContainer({ portMappings: [{ containerPort: 80, hostPort: 81 }] }), /must match/],
] as const) {
  test(`${name} is refused`, async () => {
    assert.match(await fargate.refusal('ecs', 'RegisterTaskDefinition', input), refusal);
  });
}

test('sizes are those of the table', () => {
  for (const [cpu, memory, offered] of [
    [256, 512, true],
    [256, 3072, false],
    [1024, 1024, false],
    [4096, 30_720, true],
    [4096, 31_744, false],
    [8192, 20_480, true],
    [8192, 21_504, false],
    [16_384, 122_880, true],
    [32_768, 249_856, true],
  ] as const) {
    assert.equal(isFargateSize(cpu, memory), offered, `${cpu} CPU, ${memory} MiB`);
  }
});

test('a revision is numbered, found by family and by ARN, and numbers are not given twice', async () => {
  const register = async (): Promise<{ taskDefinitionArn: string; cpu: string; revision: number }> =>
    (
      await fargate.ok(
        'ecs',
        'RegisterTaskDefinition',
        definitionInput([app], { family: 'f', cpu: '.25 vCPU', memory: '1 GB' }),
      )
    )['taskDefinition'] as { taskDefinitionArn: string; cpu: string; revision: number };
  const [first, second] = [await register(), await register()];
  assert.deepEqual([first.revision, second.revision, first.cpu], [1, 2, '256']);
  for (const name of ['f', 'f:2', second.taskDefinitionArn]) {
    const { taskDefinition } = await fargate.ok('ecs', 'DescribeTaskDefinition', { taskDefinition: name });
    assert.equal((taskDefinition as typeof first).revision, 2);
  }
  await fargate.ok('ecs', 'DeregisterTaskDefinition', { taskDefinition: 'f:2' });
  const { taskDefinition } = await fargate.ok('ecs', 'DescribeTaskDefinition', { taskDefinition: 'f' });
  assert.equal((taskDefinition as typeof first).revision, 1, 'the latest active one');
  const { failures } = await fargate.ok('ecs', 'DeleteTaskDefinitions', { taskDefinitions: ['f:1', 'f:2'] });
  assert.match(JSON.stringify(failures), /still in ACTIVE status/);
  assert.equal((await register()).revision, 3);
  const { taskDefinitionArns } = await fargate.ok('ecs', 'ListTaskDefinitions', { familyPrefix: 'f', sort: 'DESC' });
  assert.deepEqual(
    (taskDefinitionArns as string[]).map((arn) => arn.split('/')[1]),
    ['f:3', 'f:1'],
  );
});
