import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { fakeReferences } from '../../podspec/testing/fake-references.ts';
import type { Provider } from '../../provider/provider.ts';
import { makePod } from '../../provider/testing/conformance-pods.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { until } from '../../provider/testing/until.ts';
import { hasCode, isRetryable } from '../../support/errors.ts';
import { FargateBed } from './testing/fargate-bed.ts';
import { FaultyEndpoint } from './testing/faulty-endpoint.ts';

const { signal } = new AbortController();
const uidOf = (pod: Pod): string => podRef(pod).uid;
const lostRunTask = (operation: string) => (operation === 'RunTask' ? ({ kind: 'lost' } as const) : undefined);

/** What AWS refuses for a while. */
const passing: readonly (readonly [operation: string, exception: string, message: string])[] = [
  [
    'RegisterTaskDefinition',
    'ClientException',
    'Too many concurrent attempts to create a new revision of the specified family.',
  ],
  ['RegisterTaskDefinition', 'ClientException', 'Role is not valid'],
  [
    'CreateSecret',
    'InvalidRequestException',
    'You can’t create this secret because a secret with this name is already scheduled for deletion.',
  ],
  ['RunTask', 'ServerException', 'Service Unavailable. Please try again later.'],
];
const secrets = Object.fromEntries(passing.map((_, index) => [`secret-${index}`, { password: 'hunter2' }]));

describe('a pod whose task is started', () => {
  let bed: FargateBed;
  let endpoint: FaultyEndpoint;
  let running: RunningProvider;

  before(async () => {
    bed = await FargateBed.start({
      speed: 200,
      config: ['ExecutionRoleArn = "arn:aws:iam::000000000000:role/exec"'],
    });
  });
  after(() => bed.stop());
  beforeEach(async () => {
    endpoint = new FaultyEndpoint(bed.fargate.endpoint);
    bed.references = configOf('one');
    running = new RunningProvider(await bed.createProvider({ endpoint: await endpoint.listen() }));
    await running.provider.listPods({ signal });
  });
  afterEach(async () => {
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
    await running.stop();
    endpoint.close();
  });

  const configOf = (mode: string) => fakeReferences({ configMaps: { config: { mode } }, secrets });
  const configuredPod = (): Pod => {
    const env = [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'config', key: 'mode' } } }];
    return makePod({ containers: [{ name: 'a', image: 'busybox', env }] });
  };
  const secretivePod = (secret: string): Pod => {
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } }];
    return makePod({ containers: [{ name: 'a', image: 'busybox', env }] });
  };
  /** As the core does: again and again while it may pass, waiting longer each time. Gives how often it failed. */
  const persist = async (work: () => Promise<void>): Promise<number> => {
    for (let failures = 0; ; failures++) {
      try {
        await work();
        return failures;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await bed.clock.sleep(1000 * 2 ** Math.min(failures, 5));
      }
    }
  };
  const create = (provider: Provider, pod: Pod) => persist(() => provider.createPod(pod, { signal }));
  const attemptsOf = async (pod: Pod): Promise<string[]> =>
    (await bed.tasksOf(uidOf(pod))).map(({ group }) => group.split(':')[2]?.split('-')[0] ?? '').sort();

  it('has one task though the answer was lost, ECS does not know the task yet and the pod would be made otherwise now', async () => {
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 20_000 });
    const pod = configuredPod();
    endpoint.faultOf = lostRunTask;
    await assert.rejects(running.provider.createPod(pod, { signal }), (error) => hasCode(error, 'Unavailable'));
    await running.stop();
    bed.references = configOf('two');
    running = new RunningProvider(await bed.createProvider());
    assert.ok((await create(running.provider, pod)) > 0, 'it waits for ECS to know the task');
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
    assert.deepEqual(await attemptsOf(pod), ['0']);
    assert.equal((await bed.liveTasksOf(uidOf(pod))).length, 1);
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    await running.until(uidOf(pod), 'ended', ({ ended }) => ended);
  });

  it('goes on behind the numbers that forgotten tasks have used up, a few at a time', async () => {
    const pod = configuredPod();
    const registered = await bed.fargate.ok('ecs', 'RegisterTaskDefinition', {
      family: 'other',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      containerDefinitions: [{ name: 'a', image: 'no-such-image' }],
    });
    const { taskDefinitionArn } = registered['taskDefinition'] as { readonly taskDefinitionArn: string };
    for (let number = 0; number < 25; number++) {
      await bed.fargate.ok('ecs', 'RunTask', {
        taskDefinition: taskDefinitionArn,
        launchType: 'FARGATE',
        clientToken: `${uidOf(pod)}-${number}`,
        networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
      });
    }
    // ECS knows none of them; this is what it looks like when it has forgotten them.
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 3_600_000 });
    endpoint.calls.length = 0;
    const failures = await create(running.provider, pod);
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
    assert.deepEqual(await attemptsOf(pod), ['25']);
    assert.ok(endpoint.count('RunTask') <= failures + 26, `${endpoint.count('RunTask')} calls, ${failures} failures`);
  });

  for (const consistencyDelayMs of [0, 20_000]) {
    it(`is not over when it is deleted before an answer came, while ECS may know its task ${consistencyDelayMs} ms later`, async () => {
      await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs });
      const pod = configuredPod();
      endpoint.faultOf = lostRunTask;
      await assert.rejects(running.provider.createPod(pod, { signal }));
      const listed = await running.provider.listPods({ signal });
      assert.ok(listed.every(({ ref }) => ref.uid !== uidOf(pod)));
      await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
      await running.until(uidOf(pod), 'ended', ({ ended }) => ended);
      await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
      const tasks = await bed.tasksOf(uidOf(pod));
      assert.deepEqual(
        tasks.map(({ desiredStatus }) => desiredStatus),
        ['STOPPED'],
      );
    });
  }

  it('is over some time after it is deleted where the call never reached ECS', async () => {
    const pod = configuredPod();
    endpoint.faultOf = (operation) => (operation === 'RunTask' ? { kind: 'unsent' } : undefined);
    await assert.rejects(running.provider.createPod(pod, { signal }));
    endpoint.faultOf = () => undefined;
    endpoint.calls.length = 0;
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    await running.until(uidOf(pod), 'ended', ({ ended }) => ended);
    assert.equal(endpoint.count('RunTask'), 0);
    assert.ok(endpoint.count('ListTasks') <= 12, `${endpoint.count('ListTasks')} searches`);
    await running.provider.releasePod(podRef(pod), { signal });
  });

  it('is not over when it is deleted before the answer for a later attempt came', async () => {
    const pod = makePod({ containers: [{ name: 'a', image: 'busybox', args: ['exit', '1'] }] });
    await running.provider.createPod(pod, { signal });
    endpoint.faultOf = lostRunTask;
    endpoint.calls.length = 0;
    await until('the next attempt', () => endpoint.count('RunTask') > 0);
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    await running.until(uidOf(pod), 'ended', ({ ended }) => ended);
    const tasks = await bed.tasksOf(uidOf(pod));
    assert.equal(tasks.length, 2);
    assert.ok(tasks.every(({ desiredStatus }) => desiredStatus === 'STOPPED'));
  });

  for (const [index, [operation, exception, message]] of passing.entries()) {
    it(`starts when ${operation} is no longer refused with ${exception}: ${message}`, async () => {
      const pod = secretivePod(`secret-${index}`);
      let refusals = 1;
      endpoint.faultOf = (each) =>
        each === operation && refusals-- > 0 ? { kind: 'refused', exception, message } : undefined;
      await create(running.provider, pod);
      assert.ok(refusals < 0, 'it was refused once, and asked again');
      assert.deepEqual(await attemptsOf(pod), ['0']);
    });
  }

  it('waits with the reason, and an event, while its next attempt is refused for a while', async () => {
    const message = 'Role is not valid';
    const pod = makePod({ containers: [{ name: 'a', image: 'busybox', args: ['exit', '1'] }] });
    await running.provider.createPod(pod, { signal });
    endpoint.faultOf = (each) =>
      each === 'RunTask' ? { kind: 'refused', exception: 'ClientException', message } : undefined;
    const { containers } = await running.until(uidOf(pod), 'held', ({ containers: [each] }) => {
      return each?.state.kind === 'waiting' && each.state.reason === 'ProviderUnavailable';
    });
    assert.match(JSON.stringify(containers[0]?.state), /Role is not valid/);
    const events = bed.events.filter((event) => event.pod.uid === uidOf(pod));
    assert.ok(events.some(({ reason, message: text }) => reason === 'ProviderCreateFailed' && text.includes(message)));
    endpoint.faultOf = () => undefined;
    await until('the next attempt', async () => (await attemptsOf(pod)).includes('1'));
  });
});
