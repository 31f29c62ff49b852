import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Secret } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { makePod } from '../../provider/testing/conformance-pods.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { FargateBed } from './testing/fargate-bed.ts';

const { signal } = new AbortController();
const password = (value: string, resourceVersion: string): Secret => ({
  metadata: { namespace: 'conformance', name: 'db', uid: 'secret-uid', resourceVersion },
  data: { password: Buffer.from(value).toString('base64') },
});

test('secrets reach containers through entries of ours, which get a new version when the secret changes', async (t) => {
  let secret = password('hunter2', '1');
  const bed = await FargateBed.start({
    config: ['ExecutionRoleArn = "arn:aws:iam::000000000000:role/exec"'],
    references: { secret: async () => secret },
  });
  const running = new RunningProvider(await bed.createProvider());
  t.after(async () => {
    await running.stop();
    await bed.stop();
  });
  const environments: Record<string, string>[] = [];
  bed.runtime.programs = ({ env }) => {
    environments.push({ ...env });
    return {};
  };
  const start = async (): Promise<Pod> => {
    const pod = makePod({
      containers: [
        {
          name: 'a',
          image: 'busybox',
          env: [
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
            { name: 'URL', value: 'db://$(PASSWORD)@host' },
          ],
        },
      ],
    });
    await running.provider.createPod(pod, { signal });
    await running.until(podRef(pod).uid, 'running', ({ containers }) => containers[0]?.state.kind === 'running');
    return pod;
  };

  await start();
  secret = password('changed', '2');
  await start();
  assert.deepEqual(
    environments.map(({ PASSWORD, URL }) => [PASSWORD, URL]),
    [
      ['hunter2', 'db://hunter2@host'],
      ['changed', 'db://changed@host'],
    ],
  );
  const { SecretList } = (await bed.fargate.ok('secretsmanager', 'ListSecrets')) as { SecretList: { Name: string }[] };
  assert.equal(SecretList.length, 1);
  assert.match(SecretList[0]?.Name ?? '', /^virtual-kubelet\/[0-9a-f]{12}\/conformance\/env-[0-9a-f]{32}$/);
  const { taskDefinitionArns } = (await bed.fargate.ok('ecs', 'ListTaskDefinitions')) as {
    taskDefinitionArns: string[];
  };
  assert.equal(taskDefinitionArns.length, 1);
  const definition = await bed.fargate.ok('ecs', 'DescribeTaskDefinition', {
    taskDefinition: taskDefinitionArns[0],
    include: ['TAGS'],
  });
  const tasks = await Promise.all(running.pushed.map(({ ref }) => bed.tasksOf(ref.uid)));
  const shown = JSON.stringify([definition, tasks, SecretList, bed.events]);
  for (const value of ['hunter2', 'changed']) assert.ok(!shown.includes(value), `${value} is shown`);
});
