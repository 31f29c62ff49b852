import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newDefinition, registerTaskDefinitionSchema, type TaskDefinition } from '../ecs/task-definition.ts';
import { definitionInput, task, taskContainer } from '../testing/definitions.ts';
import { containerSpec } from './container-spec.ts';
import type { TaskOverrides } from './task.ts';

function specOf(
  containers: readonly Record<string, unknown>[],
  more: { readonly definition?: Record<string, unknown>; readonly overrides?: TaskOverrides } = {},
) {
  const input = registerTaskDefinitionSchema.parse(definitionInput(containers, more.definition));
  const account = { accountId: '000000000000', region: 'us-east-1' };
  const definition: TaskDefinition = newDefinition(input, { account, revision: 1, nowMs: 0 });
  const [container] = definition.containerDefinitions;
  assert.ok(container);
  return containerSpec({
    task: task([taskContainer(container.name)], more.overrides ? { overrides: more.overrides } : {}),
    definition,
    container,
    instance: 'i',
    region: 'us-east-1',
    sandboxId: 's',
    imageId: 'image',
    run: 0,
    secrets: {},
    metadataUri: 'http://10.88.0.1:9000/v4/token',
    paths: {
      taskFolder: '/state/t',
      volumesFolder: '/state/t/volumes',
      hostsFile: '/state/t/hosts',
      efsFolder: '/state/efs',
    },
  });
}

test('a container that asks for nothing has the least share of CPU, and the memory of its task', () => {
  assert.deepEqual(specOf([{ name: 'app' }]).resources, { cpuShares: 2 });
});

test('its own limits hold, and overrides come before them', () => {
  const one = { name: 'app', cpu: 128, memory: 200 };
  assert.equal(specOf([one]).resources.memoryLimitBytes, 200 * 2 ** 20);
  assert.equal(specOf([one]).resources.cpuShares, 128);
  const overrides = { containerOverrides: [{ name: 'app', cpu: 64, memory: 100 }] };
  assert.equal(specOf([one], { overrides }).resources.memoryLimitBytes, 100 * 2 ** 20);
  assert.equal(specOf([one], { overrides }).resources.cpuShares, 64);
});

test('limits of processes are those of the definition, no limit included', () => {
  const ulimits = [
    { name: 'nofile', softLimit: 100, hardLimit: 200 },
    { name: 'memlock', softLimit: -1, hardLimit: -1 },
  ];
  assert.deepEqual(specOf([{ name: 'app', ulimits }]).ulimits, [
    { name: 'nofile', soft: 100, hard: 200 },
    { name: 'memlock', soft: -1, hard: -1 },
  ]);
});

test('a container has an init where it wants one, but for a task that shares its processes', () => {
  const wants = [{ name: 'app', linuxParameters: { initProcessEnabled: true } }];
  assert.equal(specOf([{ name: 'app' }]).init, false);
  assert.equal(specOf(wants).init, true);
  assert.equal(specOf(wants, { definition: { pidMode: 'task' } }).init, false);
});

test('an empty command leaves the image its own', () => {
  const spec = specOf([{ name: 'app', command: [], entryPoint: [] }]);
  assert.equal('command' in spec || 'entrypoint' in spec, false);
});

test('volumes are folders of the task, or of a file system', () => {
  const spec = specOf(
    [
      {
        name: 'app',
        mountPoints: [
          { sourceVolume: 'scratch', containerPath: '/scratch' },
          { sourceVolume: 'shared', containerPath: '/shared', readOnly: true },
        ],
        volumesFrom: [{ sourceContainer: 'other', readOnly: true }],
      },
      { name: 'other', mountPoints: [{ sourceVolume: 'scratch', containerPath: '/of-other' }] },
    ],
    {
      definition: {
        volumes: [
          { name: 'scratch' },
          { name: 'shared', efsVolumeConfiguration: { fileSystemId: 'fs-1', rootDirectory: '/../data' } },
        ],
      },
    },
  );
  assert.deepEqual(spec.mounts, [
    { kind: 'bind', source: '/state/t/hosts', target: '/etc/hosts', readOnly: false },
    { kind: 'bind', source: '/state/t/volumes/scratch', target: '/scratch', readOnly: false },
    { kind: 'bind', source: '/state/efs/fs-1/data', target: '/shared', readOnly: true },
    { kind: 'bind', source: '/state/t/volumes/scratch', target: '/of-other', readOnly: true },
  ]);
});
