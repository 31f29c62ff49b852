import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Task } from '@aws-sdk/client-ecs';
import { capacityAnnotation } from '../../src/providers/fargate/translate/annotations.ts';
import { seededRandom } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { ListedEnding } from './fargate-ending.ts';
import { runFargateKillRounds } from './fargate-kill-rounds.ts';
import { measureRollout } from './fargate-rollout.ts';
import { FargateServer } from './fargate-server.ts';
import { FargateStage, taskId } from './fargate-stage.ts';
import { cluster, containerStatus, getObject, isReady, kubectl } from './harness.ts';

const nginx = { name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] };
const sleeper = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };

function shell(script: string): Record<string, unknown> {
  return { name: 'c', image: 'busybox', command: ['sh', '-c', script] };
}

function ipOf(task: Task | undefined): string | undefined {
  return task?.containers?.[0]?.networkInterfaces?.[0]?.privateIpv4Address;
}

async function answers(url: string): Promise<boolean> {
  return (await (await fetch(url, { signal: AbortSignal.timeout(2000) })).text()).includes('nginx');
}

let fargate: FargateServer;
/** Shared, for a node of its own takes each test seconds; each has pods of names of its own. */
let ours: FargateStage;
const ending = new ListedEnding();
before(async () => {
  fargate = await FargateServer.start();
  ours = await FargateStage.set(ending, fargate);
  await ours.startNode();
});
after(async () => {
  await ending.come().finally(() => fargate.stop());
});

test('a Deployment of three is three tasks at the pods’ addresses, answers behind its Service and leaves no task', async () => {
  const { namespace } = ours.stage;
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
  ]);
  // After the Service, whose address is in the environment of the pods that come after it.
  await ours.deploy('web', nginx, { replicas: 3 });
  await ours.untilRolledOut('web');
  const pods = await ours.podsOf('web');
  const tasks = await ours.tasks('RUNNING');
  assert.equal(tasks.length, 3);
  assert.equal(new Set(tasks.map(({ taskDefinitionArn }) => taskDefinitionArn)).size, 1, 'one definition');
  for (const { metadata, status } of pods) {
    const task = tasks.find(({ startedBy }) => startedBy === metadata?.uid);
    assert.ok(ipOf(task), 'the task of each pod has an address');
    assert.equal(status?.podIP, ipOf(task));
  }
  const service = await getObject<{ spec: { clusterIP: string } }>('service', 'web', '--namespace', namespace);
  await waitFor(() => answers(`http://${service?.spec.clusterIP}/`), {
    what: 'nginx to answer behind the Service',
    timeoutMs: 20_000,
  });
  await ours.scale('web', 0);
  await waitFor(async () => (await ours.tasks('RUNNING')).length === 0, { what: 'no task', timeoutMs: 60_000 });
  await ours.untilStopped(pods);
  assert.deepEqual(await ours.containersOf(tasks), []);
  await waitFor(async () => (await ours.podsOf('web')).length === 0, { what: 'no pods', timeoutMs: 20_000 });
});

test('a container killed from the host ends its task as on Fargate, and the Deployment gets back to full strength', async () => {
  await ours.deploy('killed', nginx, { replicas: 2 });
  await ours.untilRolledOut('killed');
  const [pod] = await ours.podsOf('killed');
  assert.ok(pod);
  const [victim] = await ours.tasksOf([pod]);
  assert.ok(victim);
  const url = `http://${ipOf(victim)}/`;
  assert.ok(await answers(url));
  await cluster.podman(['kill', `fargate-${taskId(victim)}-nginx-0`]);
  const stopped = await waitFor(
    async () => (await ours.tasksOf([pod])).find(({ lastStatus }) => lastStatus === 'STOPPED'),
    { what: 'the task to be STOPPED', timeoutMs: 20_000 },
  );
  assert.equal(stopped.taskArn, victim.taskArn);
  assert.equal(stopped.stopCode, 'EssentialContainerExited');
  assert.equal(stopped.containers?.[0]?.exitCode, 137);
  await assert.rejects(answers(url), 'its address is gone');
  const again = await ours.stage.untilPod(
    pod.metadata?.name ?? '',
    'restarted',
    (one) => isReady(one) && containerStatus(one, 'nginx').restartCount === 1,
  );
  assert.equal(containerStatus(again, 'nginx').lastState?.terminated?.exitCode, 137);
  await ours.untilRolledOut('killed');
  const live = (await ours.tasksOf(await ours.podsOf('killed'))).filter(({ lastStatus }) => lastStatus === 'RUNNING');
  assert.equal(live.length, 2);
});

test('exit codes make pods Succeeded or Failed, or their next attempts', async () => {
  const { stage } = ours;
  await cluster.apply([
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'job', namespace: stage.namespace },
      spec: {
        template: {
          metadata: { labels: { app: 'job' } },
          spec: { ...stage.placement, restartPolicy: 'Never', containers: [shell('exit 0')] },
        },
      },
    },
    stage.pod('seven', { restartPolicy: 'Never', containers: [shell('exit 7')] }),
    stage.pod('again', { restartPolicy: 'OnFailure', containers: [shell('exit 3')] }),
  ]);
  const seven = await stage.untilPod('seven', 'Failed', ({ status }) => status?.phase === 'Failed');
  assert.equal(containerStatus(seven, 'c').state?.terminated?.exitCode, 7);
  assert.equal((await ours.tasksOf([seven])).length, 1);

  const again = await stage.untilPod('again', 'in CrashLoopBackOff after two attempts', (pod) => {
    const status = pod.status?.containerStatuses?.[0];
    return status?.restartCount === 1 && status.state?.waiting?.reason === 'CrashLoopBackOff';
  });
  assert.equal(containerStatus(again, 'c').lastState?.terminated?.exitCode, 3);
  assert.equal((await ours.tasksOf([again])).length, 2);
  await kubectl('delete', 'pod', 'again', '--namespace', stage.namespace);

  await kubectl('wait', 'job/job', '--for=condition=Complete', '--namespace', stage.namespace, '--timeout=60s');
  const [done] = await ours.podsOf('job');
  assert.equal(done?.status?.phase, 'Succeeded');
  assert.equal(done && containerStatus(done, 'c').state?.terminated?.reason, 'Completed');
});

test('a pod that Fargate cannot run is Failed, and every field is named at once', async () => {
  const { stage } = ours;
  await cluster.apply([
    stage.pod('impossible', {
      containers: [
        {
          ...sleeper,
          env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          lifecycle: { postStart: { exec: { command: ['true'] } } },
          volumeMounts: [{ name: 'config', mountPath: '/config' }],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: 'some' } },
        { name: 'secret', secret: { secretName: 'some' } },
        { name: 'host', hostPath: { path: '/' } },
      ],
      hostNetwork: true,
    }),
  ]);
  const pod = await stage.untilPod('impossible', 'Failed', ({ status }) => status?.phase === 'Failed');
  const message = pod.status?.message ?? '';
  for (const field of [
    'env[0]',
    'lifecycle',
    'volumes[0].configMap',
    'volumes[1].secret',
    'volumes[2].hostPath',
    'hostNetwork',
  ]) {
    assert.ok(message.includes(field), `${field} is not named in: ${message}`);
  }
  assert.deepEqual(await ours.tasksOf([pod]), []);
});

test('a pod’s owner is told what Fargate makes of it: the size that is paid for, the grace, the missing token', async () => {
  const { stage } = ours;
  const resources = { requests: { cpu: '300m', memory: '700Mi' } };
  const spec = { terminationGracePeriodSeconds: 300, containers: [{ ...sleeper, resources }] };
  await cluster.apply([stage.pod('told', spec)]);
  const pod = await stage.untilPod('told', 'ready', isReady);
  const [task] = await ours.tasksOf([pod]);
  assert.deepEqual([task?.cpu, task?.memory], ['512', '1024']);
  assert.equal(pod.metadata?.annotations?.['CapacityProvisioned'], '0.5vCPU 1GB');
  await ours.untilEvent(/^CapacityProvisioned: Fargate runs and bills the pod as 0.5vCPU 1GB; it asked for 0.3 CPU/);
  await ours.untilEvent(/^TerminationGraceClamped: terminationGracePeriodSeconds is 300; Fargate kills .* 120 s after/);
  await ours.untilEvent(/^ServiceAccountTokenLeftOut: Volume kube-api-access-/);
});

test('a pod gets the IAM role that its namespace permits, and waits for one that it does not', async (context) => {
  const { stage } = ours;
  const roles = readFileSync(new URL('../../deploy/fargate-roles.yaml', import.meta.url), 'utf8');
  const input = roles.replace('system:node:virtual-kubelet', `system:node:${stage.nodeName}`);
  const { code, stderr } = await cluster.kubectl(['apply', '--filename', '-'], { input });
  assert.equal(code, 0, stderr);
  context.after(() => kubectl('delete', '--filename', 'deploy/fargate-roles.yaml'));
  await kubectl('annotate', 'namespace', stage.namespace, 'iam.amazonaws.com/permitted=^reader$');
  const asking = (role: string): object =>
    stage.pod(role, { containers: [sleeper] }, { annotations: { 'iam.amazonaws.com/role': role } });
  await cluster.apply([asking('reader'), asking('writer')]);
  const reader = await stage.untilPod('reader', 'ready', isReady);
  const [task] = await ours.tasksOf([reader]);
  const { taskDefinition } = await fargate.ecs.describeTaskDefinition({ taskDefinition: task?.taskDefinitionArn });
  assert.equal(taskDefinition?.taskRoleArn, 'arn:aws:iam::000000000000:role/reader');
  const writer = await stage.untilPod('writer', 'waiting for its role', ({ status }) => {
    return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'IamRoleNotPermitted';
  });
  await ours.untilEvent(/iam.amazonaws.com\/permitted of namespace .*, "\^reader\$", does not permit role writer/);
  assert.deepEqual(await ours.tasksOf([writer]), []);
});

test('kubectl logs: all, the last lines, with times, and followed to the end', async () => {
  const { stage } = ours;
  const script = 'for i in 1 2 3 4; do echo line $i; sleep 0.5; done';
  await cluster.apply([stage.pod('talker', { restartPolicy: 'Never', containers: [shell(script)] })]);
  await stage.untilPod(
    'talker',
    'running',
    ({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined,
  );
  const logs = (...options: string[]): Promise<string> =>
    kubectl('logs', 'talker', '--namespace', stage.namespace, ...options);
  const all = 'line 1\nline 2\nline 3\nline 4\n';
  assert.equal(await logs('--follow'), all);
  assert.equal(await logs(), all);
  assert.equal(await logs('--tail=2'), 'line 3\nline 4\n');
  const times = await logs('--timestamps');
  assert.match(times, /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line \d\n){4}$/);
});

test('a pod waits, says so, and starts when Fargate has room again', async (context) => {
  const { stage } = ours;
  const room = { capacity: { FARGATE: null, FARGATE_SPOT: null } };
  context.after(() => fargate.turnSwitches(room));
  await fargate.turnSwitches({ capacity: { FARGATE: 0, FARGATE_SPOT: 0 } });
  await cluster.apply([stage.pod('patient', { containers: [sleeper] })]);
  const waiting = await stage.untilPod('patient', 'waiting for capacity', ({ status }) => {
    return status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CapacityUnavailable';
  });
  assert.equal(waiting.status?.phase, 'Pending');
  await ours.untilEvent(/Capacity is unavailable/);
  await fargate.turnSwitches(room);
  const pod = await stage.untilPod('patient', 'ready', isReady);
  assert.equal((await ours.tasksOf([pod])).length, 1);
});

test('an interrupted Spot task ends its pod, and the controller replaces it', async () => {
  await ours.deploy('spot', sleeper, { replicas: 1, annotations: { [capacityAnnotation]: 'FARGATE_SPOT' } });
  await ours.untilRolledOut('spot');
  const [pod] = await ours.podsOf('spot');
  assert.ok(pod);
  const name = pod.metadata?.name ?? '';
  const [task] = await ours.tasksOf([pod]);
  assert.equal(task?.capacityProviderName, 'FARGATE_SPOT');
  await fargate.interrupt(task?.taskArn ?? '', 1);
  const ended = await ours.stage.untilPod(name, 'Failed', ({ status }) => status?.phase === 'Failed');
  assert.equal(ended.status?.reason, 'SpotInterruption');
  await ours.untilEvent(/^SpotInterruption: /);
  const other = await waitFor(
    async () => (await ours.podsOf('spot')).find((one) => one.metadata?.name !== name && isReady(one)),
    { what: 'another pod in its place', timeoutMs: 30_000 },
  );
  assert.equal((await ours.tasksOf([pod])).length, 1, 'the interrupted pod gets no second task');
  assert.equal((await ours.tasksOf([other])).length, 1);
});

test('ten replicas are registered once and started by one call each, under AWS’s rates', async (context) => {
  const { calls, seconds } = await measureRollout(ours, { replicas: 10, timeoutSeconds: 60 });
  context.diagnostic(JSON.stringify({ seconds, calls }));
  assert.equal(calls['ecs:RegisterTaskDefinition']?.calls, 1);
  assert.equal(calls['ecs:RunTask']?.calls, 10);
  // Of so few tasks it is time that counts: they are looked at together, about once a second (bench/ has a hundred).
  const looks = calls['ecs:DescribeTasks']?.calls ?? Number.POSITIVE_INFINITY;
  assert.ok(looks <= seconds + 2, `${looks} calls of DescribeTasks in ${seconds} s`);
  assert.equal((await ours.tasksOf(await ours.podsOf('rollout'))).length, 10);
});

test('kill -9 at random moments of a rollout leaves one live task a pod (a sample; soak has 100 rounds)', async (context) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const apart = await FargateStage.set(context, fargate);
  context.after(() => fargate.turnSwitches({ consistencyDelayMs: 0 }));
  await runFargateKillRounds(apart, { rounds: 3, random: seededRandom(seed) });
});
