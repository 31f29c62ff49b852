import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Container, Pod, PodSpec } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { ObservedContainer, ObservedPod } from '../../podspec/status/observed.ts';
import { makePod } from '../../provider/testing/conformance-pods.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { until } from '../../provider/testing/until.ts';
import { taskId } from './ecs/ecs-task.ts';
import { FargateBed } from './testing/fargate-bed.ts';

const { signal } = new AbortController();
const container = (name: string, ...args: string[]): Container => ({ name, image: 'busybox', args });
const uidOf = (pod: Pod): string => podRef(pod).uid;

describe('a pod on Fargate', () => {
  let bed: FargateBed;
  let running: RunningProvider;

  before(async () => {
    bed = await FargateBed.start();
    running = new RunningProvider(await bed.createProvider());
  });
  after(async () => {
    await running?.stop();
    await bed?.stop();
  });

  const start = async (spec: PodSpec, metadata?: Pod['metadata']): Promise<Pod> => {
    const pod = makePod(spec, metadata);
    await running.provider.createPod(pod, { signal });
    return pod;
  };
  const untilSeen = (pod: Pod, what: string, is: (observed: ObservedPod) => boolean): Promise<ObservedPod> =>
    running.until(uidOf(pod), what, is);
  const isRunning = ({ containers }: ObservedPod): boolean => containers.every(({ state }) => state.kind === 'running');
  const untilRunning = (pod: Pod): Promise<ObservedPod> => untilSeen(pod, 'running', isRunning);
  const untilWaiting = (pod: Pod, reason: string): Promise<ObservedPod> =>
    untilSeen(pod, reason, ({ containers }) =>
      containers.some(({ state }) => state.kind === 'waiting' && state.reason === reason),
    );
  const containerOf = ({ containers }: ObservedPod, name = 'a'): ObservedContainer => {
    const found = containers.find((each) => each.name === name);
    assert.ok(found);
    return found;
  };
  const remove = async (pod: Pod): Promise<ObservedPod> => {
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    const ended = await untilSeen(pod, 'ended', (observed) => observed.ended);
    await running.provider.releasePod(podRef(pod), { signal });
    return ended;
  };
  const eventsOf = (pod: Pod): string[] =>
    bed.events.filter((event) => event.pod.uid === uidOf(pod)).map(({ reason }) => reason);

  it('is told of in its task: who it is, for people, for us, and after its end too', async () => {
    const pod = await start({ containers: [container('a')] }, { name: 'web.example' });
    await untilRunning(pod);
    const [task] = await bed.tasksOf(uidOf(pod));
    assert.deepEqual(task?.tags, [
      { key: 'virtual-kubelet.io/cluster', value: 'cluster-1' },
      { key: 'virtual-kubelet.io/node', value: 'node-1' },
      { key: 'virtual-kubelet.io/namespace', value: podRef(pod).namespace },
      { key: 'virtual-kubelet.io/pod', value: 'web.example' },
    ]);
    await remove(pod);
    const [ended] = await bed.tasksOf(uidOf(pod));
    assert.deepEqual(ended?.tags, []);
    assert.match(ended?.group ?? '', /^kubernetes:[0-9a-f]{12}:0-0-0-0:[a-z0-9-]*:web_example$/);
  });

  it('runs anew as the next attempt where its container fails, waiting longer each time', async () => {
    const pod = await start({ containers: [container('a', 'exit', '3')] });
    const held = await untilWaiting(pod, 'CrashLoopBackOff');
    const { restartCount, lastTerminated, state } = containerOf(held);
    assert.equal(restartCount, 1);
    assert.equal(lastTerminated?.exitCode, 3);
    assert.match(state.kind === 'waiting' ? (state.message ?? '') : '', /^back-off 10s restarting failed task of pod=/);
    assert.equal(held.ended, false);
    await untilSeen(pod, 'run a third time', (observed) => containerOf(observed).restartCount === 2);
    assert.deepEqual([...new Set(eventsOf(pod))], ['CapacityProvisioned', 'Created', 'BackOff']);
    await remove(pod);
    const groups = (await bed.tasksOf(uidOf(pod))).map(({ group }) => group.split(':')[2]).sort();
    assert.equal(new Set(groups).size, groups.length, `one task an attempt: ${groups}`);
  });

  it('gets another address with each attempt', async () => {
    const pod = await start({ containers: [container('a', 'exit', '1')] });
    const first = await untilSeen(pod, 'at an address', ({ podIps }) => podIps.length > 0);
    await untilSeen(
      pod,
      'at another address',
      ({ podIps }) => podIps[0] !== undefined && podIps[0] !== first.podIps[0],
    );
    await remove(pod);
  });

  it('waits with ErrImagePull and the words of ECS, whatever its restart policy, and runs once the image is there', async () => {
    const pod = await start({ restartPolicy: 'Never', containers: [{ ...container('a'), image: 'late' }] });
    const { state, restartCount } = containerOf(await untilWaiting(pod, 'ErrImagePull'));
    assert.match(state.kind === 'waiting' ? (state.message ?? '') : '', /^CannotPullContainerError: .*late/);
    assert.equal(restartCount, 0);
    bed.runtime.registry.set('docker.io/library/late:latest', {
      id: 'late',
      repoDigest: `docker.io/library/late@sha256:${'b'.repeat(64)}`,
      repoTags: [],
      user: '',
      sizeBytes: 1,
    });
    const ran = containerOf(await untilRunning(pod));
    assert.equal(ran.restartCount, 0);
    assert.equal(ran.imageId, `docker.io/library/late@sha256:${'b'.repeat(64)}`);
    assert.ok(eventsOf(pod).includes('Failed'));
    await remove(pod);
  });

  it('says why a process could not be started', async () => {
    const pod = await start({ restartPolicy: 'Never', containers: [container('a', 'broken')] });
    const { state } = containerOf(await untilSeen(pod, 'ended', ({ ended }) => ended));
    assert.ok(state.kind === 'terminated');
    assert.equal(state.reason, 'StartError');
    assert.match(state.message ?? '', /executable file not found/);
    await remove(pod);
  });

  it('is over with its first failed init container where it is never restarted', async () => {
    const pod = await start({
      restartPolicy: 'Never',
      initContainers: [container('init', 'exit', '2')],
      containers: [container('a')],
    });
    const ended = await untilSeen(pod, 'ended', (observed) => observed.ended);
    const init = containerOf(ended, 'init').state;
    assert.equal(init.kind === 'terminated' && init.exitCode, 2);
    assert.equal(containerOf(ended).state.kind, 'waiting');
    await remove(pod);
  });

  it('tries its init containers again, and counts that for them alone', async () => {
    const pod = await start({ initContainers: [container('init', 'exit', '2')], containers: [container('a')] });
    const observed = await untilSeen(pod, 'initializing again', (seen) => containerOf(seen, 'init').restartCount === 1);
    assert.equal(containerOf(observed).restartCount, 0);
    assert.equal(containerOf(observed, 'init').lastTerminated?.exitCode, 2);
    await remove(pod);
  });

  it('makes way for a task with another image', async () => {
    const pod = await start({ containers: [container('a')] });
    await untilRunning(pod);
    await running.provider.updatePod(
      { ...pod, spec: { ...pod.spec, containers: [{ ...container('a'), image: 'nginx' }] } },
      { signal },
    );
    const observed = await untilSeen(
      pod,
      'running nginx',
      (seen) => isRunning(seen) && containerOf(seen).image === 'nginx',
    );
    assert.equal(containerOf(observed).restartCount, 1);
    assert.ok(eventsOf(pod).includes('Killing'));
    await remove(pod);
  });

  it('is started anew where a command of its liveness probe fails', async () => {
    const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 5, failureThreshold: 1 };
    const pod = await start({ containers: [{ ...container('a'), livenessProbe }] });
    await untilRunning(pod);
    bed.runtime.onExec = async () => ({ exitCode: 1 });
    const observed = await untilSeen(pod, 'restarted', (seen) => containerOf(seen).restartCount === 1);
    bed.runtime.onExec = async () => ({ exitCode: 0 });
    assert.equal(containerOf(observed).lastTerminated?.exitCode, 0);
    const [stopped] = (await bed.tasksOf(uidOf(pod))).filter(({ lastStatus }) => lastStatus === 'STOPPED');
    assert.equal(
      stopped?.stoppedReason,
      'virtual-kubelet: restart: Container a failed liveness probe, will be restarted',
    );
    await remove(pod);
  });

  it('is ready once a command of its readiness probe succeeds', async () => {
    bed.runtime.onExec = async () => ({ exitCode: 1 });
    const readinessProbe = { exec: { command: ['check'] }, periodSeconds: 5 };
    const pod = await start({ containers: [{ ...container('a'), readinessProbe }] });
    assert.equal(containerOf(await untilRunning(pod)).ready, false);
    bed.runtime.onExec = async () => ({ exitCode: 0 });
    await untilSeen(pod, 'ready', (observed) => containerOf(observed).ready);
    await remove(pod);
  });

  it('is started anew where its liveness probe gets no connection', async () => {
    const livenessProbe = { tcpSocket: { host: '127.0.0.1', port: 1 }, periodSeconds: 1, failureThreshold: 1 };
    const pod = await start({ containers: [{ ...container('a'), livenessProbe }] });
    await untilSeen(pod, 'restarted', (observed) => containerOf(observed).restartCount === 1);
    assert.ok(eventsOf(pod).includes('Unhealthy'));
    await remove(pod);
  });

  it('is ready as its HTTP readiness probe is answered', async () => {
    let status = 500;
    const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const readinessProbe = { httpGet: { host: '127.0.0.1', port, path: '/' }, periodSeconds: 5, timeoutSeconds: 5 };
    const pod = await start({ containers: [{ ...container('a'), readinessProbe }] });
    assert.equal(containerOf(await untilRunning(pod)).ready, false);
    status = 200;
    await untilSeen(pod, 'ready', (observed) => containerOf(observed).ready);
    await remove(pod);
    server.close();
  });

  it('has the time of its startup probe over the network before a command of its liveness probe counts', async () => {
    let tries = 0;
    let status = 500;
    const server = createServer((_, response) => {
      tries += 1;
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    bed.runtime.onExec = async () => ({ exitCode: status === 200 ? 0 : 1 });
    const startupProbe = {
      httpGet: { host: '127.0.0.1', port, path: '/' },
      periodSeconds: 2,
      timeoutSeconds: 5,
      failureThreshold: 100,
    };
    const probe = { exec: { command: ['check'] }, periodSeconds: 5, failureThreshold: 1 };
    const probes = { startupProbe, livenessProbe: probe, readinessProbe: probe };
    const pod = await start({ containers: [{ ...container('a'), ...probes }] });
    await untilRunning(pod);
    await until('tries over three periods of the liveness probe', () => tries > 10);
    status = 200;
    const { restartCount } = containerOf(await untilSeen(pod, 'ready', (seen) => containerOf(seen).ready));
    assert.equal(restartCount, 0);
    assert.ok(!eventsOf(pod).includes('Killing'));
    await remove(pod);
    server.close();
  });

  it('ends at its active deadline', async () => {
    const pod = await start({ activeDeadlineSeconds: 30, containers: [container('a')] });
    const { failure } = await untilSeen(pod, 'ended', ({ ended }) => ended);
    assert.equal(failure?.reason, 'DeadlineExceeded');
    assert.equal((await bed.liveTasksOf(uidOf(pod))).length, 0);
    await remove(pod);
  });

  it('can be deleted before its task runs', async () => {
    const pod = makePod({ containers: [container('a')] });
    const creating = running.provider.createPod(pod, { signal });
    await until('the task', async () => (await bed.tasksOf(uidOf(pod))).length > 0);
    await creating;
    await remove(pod);
    assert.equal((await bed.liveTasksOf(uidOf(pod))).length, 0);
  });

  it('that ended while nobody watched is restarted once, with its exit code', async () => {
    const pod = await start({ containers: [container('a')] });
    await untilRunning(pod);
    await running.stop();
    const [task] = await bed.tasksOf(uidOf(pod));
    const info = bed.runtime.running.find(({ name }) => name.includes(taskId(task?.taskArn ?? '')));
    bed.runtime.exit(info?.id ?? '', 3);
    await until('the end', async () => (await bed.liveTasksOf(uidOf(pod))).length === 0);
    running = new RunningProvider(await bed.createProvider());
    await running.provider.createPod(pod, { signal });
    const { restartCount, lastTerminated } = containerOf(await untilRunning(pod));
    assert.equal(restartCount, 1);
    assert.equal(lastTerminated?.exitCode, 3);
    assert.equal((await bed.tasksOf(uidOf(pod))).length, 2);
    await remove(pod);
  });

  it('that ECS has forgotten goes on where its status left off', async () => {
    const pod = makePod({ containers: [container('a')] });
    const status = {
      containerStatuses: [
        {
          name: 'a',
          image: 'busybox',
          imageID: '',
          ready: true,
          restartCount: 4,
          containerID: 'ecs://0123/a',
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    };
    await running.provider.createPod({ ...pod, status }, { signal });
    const { restartCount, lastTerminated } = containerOf(await untilRunning(pod));
    assert.equal(restartCount, 5);
    assert.equal(lastTerminated?.reason, 'ContainerStatusUnknown');
    await remove(pod);
  });

  it('that ECS has forgotten and that is never restarted has ended', async () => {
    const pod = makePod({ restartPolicy: 'Never', containers: [container('a')] });
    const status = {
      containerStatuses: [
        {
          name: 'a',
          image: 'busybox',
          imageID: '',
          ready: true,
          restartCount: 0,
          containerID: 'ecs://0123/a',
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    };
    await running.provider.createPod({ ...pod, status }, { signal });
    await untilSeen(pod, 'ended', ({ ended }) => ended);
    assert.equal((await bed.tasksOf(uidOf(pod))).length, 0);
    await running.provider.releasePod(podRef(pod), { signal });
  });

  it('of another node in the same cluster is let alone', async () => {
    const pod = await start({ containers: [container('a')] });
    await untilRunning(pod);
    const other = await bed.createProvider({ nodeName: 'node-2' });
    assert.deepEqual(await other.listPods({ signal }), []);
    await remove(pod);
  });
});

it('a task whose start was never answered is found by a search', async () => {
  const bed = await FargateBed.start({ speed: 300 });
  const running = new RunningProvider(await bed.createProvider());
  await running.provider.listPods({ signal });
  const pod = makePod({ containers: [container('a')] });
  // As if the call had come through and we had died; the pod's object is gone since.
  const dead = await bed.createProvider();
  await dead.createPod(pod, { signal });
  await running.until(uidOf(pod), 'found', ({ containers }) => containers.length === 1);
  await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
  await running.until(uidOf(pod), 'ended', ({ ended }) => ended);
  // The pod has ended when its containers have; the task still gives its address back.
  const untilMs = Date.now() + 10_000;
  while ((await bed.liveTasksOf(uidOf(pod))).length > 0) assert.ok(Date.now() < untilMs, 'the task stops');
  await running.stop();
  await bed.stop();
});
