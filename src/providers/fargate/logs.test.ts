import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podRef } from '../../kubernetes/objects.ts';
import { makePod } from '../../provider/testing/conformance-pods.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { hasCode } from '../../support/errors.ts';
import { familyOf, taskId } from './ecs/ecs-task.ts';
import { type BedTask, FargateBed } from './testing/fargate-bed.ts';

const { signal } = new AbortController();

test('logs are those of the present attempt and of the one before', async (t) => {
  const bed = await FargateBed.start({
    config: [
      'ExecutionRoleArn = "arn:aws:iam::000000000000:role/exec"',
      'CloudWatchLogGroupName = "/ecs/vk"',
      'LogOptions = { awslogs-create-group = "true" }',
    ],
  });
  const running = new RunningProvider(await bed.createProvider());
  t.after(async () => {
    await running.stop();
    await bed.stop();
  });
  const pod = makePod({ containers: [{ name: 'a', image: 'busybox' }] });
  const { uid } = podRef(pod);
  await running.provider.createPod(pod, { signal });
  const { logs } = running.provider;
  const read = async (previous: boolean): Promise<string> => {
    const request = { pod: podRef(pod), container: 'a', previous, follow: false, timestamps: false };
    const chunks = await logs?.call(running.provider, request, { signal });
    return Buffer.concat(await Array.fromAsync(chunks ?? [])).toString();
  };
  const isNotFound = (error: unknown): boolean => hasCode(error, 'NotFound');
  const write = async (task: BedTask | undefined, message: string): Promise<void> => {
    const logStreamName = `${familyOf(task?.taskDefinitionArn ?? '')}_a/a/${taskId(task?.taskArn ?? '')}`;
    const logEvents = [{ timestamp: bed.clock.now(), message }];
    await bed.fargate.ok('logs', 'PutLogEvents', { logGroupName: '/ecs/vk', logStreamName, logEvents });
  };

  await assert.rejects(read(false), isNotFound, 'it waits to start');
  await running.until(uid, 'running', ({ containers }) => containers[0]?.state.kind === 'running');
  assert.equal(await read(false), '', 'it has written nothing');
  await assert.rejects(read(true), isNotFound, 'there was none before');
  const [first] = await bed.tasksOf(uid);
  await write(first, 'first');
  assert.equal(await read(false), 'first\n');

  bed.runtime.exit(bed.runtime.running[0]?.id ?? '', 1);
  await running.until(uid, 'restarted', ({ containers: [container] }) => {
    return container?.restartCount === 1 && container.state.kind === 'running';
  });
  await write((await bed.liveTasksOf(uid))[0], 'second');
  assert.equal(await read(false), 'second\n');
  assert.equal(await read(true), 'first\n');
  const split = {
    pod: podRef(pod),
    container: 'a',
    previous: false,
    follow: false,
    timestamps: false,
    stream: 'stderr',
  } as const;
  await assert.rejects(async () => logs?.call(running.provider, split, { signal }), /do not tell stdout from stderr/);
});
