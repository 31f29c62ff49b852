import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Container, Pod } from '../kubernetes/objects.ts';
import type { FakeProgram } from '../runtime/testing/fake-runtime.ts';
import { CodedError, hasCode } from '../support/errors.ts';
import { EngineHarness, fakeImage } from './testing/engine-harness.ts';

const app = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'app:1', ...more });
const sidecar = (name: string): Container => app(name, { restartPolicy: 'Always' });

describe('Engine', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  /** What processes of containers do, by the container's name; the n-th attempt does the n-th thing. */
  const play = (programs: Readonly<Record<string, readonly FakeProgram[]>>): void => {
    harness.runtime.programs = ({ labels }) => {
      const script = programs[labels['io.kubernetes.container.name'] ?? ''] ?? [];
      return script[Math.min(Number(labels['virtual-kubelet.io/attempt']), script.length - 1)] ?? {};
    };
  };
  const until = (what: string, is: () => boolean): Promise<void> => harness.until(what, is);
  const stateOf = (pod: Pod, name: string): string => {
    const { state, restartCount = 0 } = harness.container(pod, name) ?? {};
    if (state?.kind === 'terminated') return `terminated ${state.exitCode} ${state.reason} #${restartCount}`;
    return state?.kind === 'waiting' ? `waiting ${state.reason} #${restartCount}` : `${state?.kind} #${restartCount}`;
  };
  const made = (): readonly string[] =>
    harness.runtime.calls.flatMap((call) => /^createContainer vk_uid-\d+_(.*)$/.exec(call)?.[1] ?? []);

  describe('a pod’s life', () => {
    it('starts with a sandbox, then its containers in order, and tells its whole state', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      const observed = harness.observed(pod);
      assert.equal(observed?.sandboxReady, true);
      assert.equal(observed?.ended, false);
      assert.deepEqual(observed?.podIps, ['10.88.0.1']);
      for (const container of observed?.containers ?? []) {
        assert.match(container.containerId ?? '', /^fake:\/\/container-\d+$/);
        assert.deepEqual(
          { ...container, containerId: '', name: '' },
          {
            name: '',
            state: { kind: 'running', startedAtMs: harness.clock.now() },
            restartCount: 0,
            started: true,
            ready: true,
            image: 'docker.io/library/app:1',
            imageId: 'docker.io/library/app:1@sha256:0',
            containerId: '',
          },
        );
      }
      const steps = harness.runtime.calls.filter((call) => /^(runSandbox|createContainer|startContainer)/.test(call));
      assert.deepEqual(
        steps.map((call) => call.split(' ')[0]),
        ['runSandbox', 'createContainer', 'startContainer', 'createContainer', 'startContainer'],
      );
      assert.deepEqual(
        harness.events.slice(0, 3).map(({ type, reason, message, fieldPath }) => [type, reason, message, fieldPath]),
        [
          [
            'Normal',
            'Pulled',
            'Container image "app:1" already present on machine and can be accessed by the pod',
            'spec.containers{a}',
          ],
          ['Normal', 'Created', 'Container created', 'spec.containers{a}'],
          ['Normal', 'Started', 'Container started', 'spec.containers{a}'],
        ],
      );
    });

    it('ends when asked, and leaves nothing once it is released', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.delete(pod);
      await harness.untilEnded(pod);
      assert.deepEqual([stateOf(pod, 'a'), stateOf(pod, 'b')], ['terminated 143 Error #0', 'terminated 143 Error #0']);
      assert.deepEqual(harness.eventsOf('Killing').toSorted(), ['Stopping container a', 'Stopping container b']);
      await until('the sandbox is stopped', () => harness.runtime.sandboxes.every(({ ready }) => !ready));
      assert.equal(harness.runtime.containers.length, 2, 'exit codes and logs stay');
      await harness.release(pod);
      assert.deepEqual([harness.runtime.containers, harness.runtime.sandboxes], [[], []]);
      await harness.release(pod);
      await assert.rejects(harness.delete(pod), (error) => hasCode(error, 'NotFound'));
    });

    it('is killed where it is released before it has ended', async () => {
      play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.release(pod);
      assert.deepEqual(harness.runtime.containers, []);
    });

    it('ends while its image is still being pulled, and nothing is started afterwards', async () => {
      const arrived = Promise.withResolvers<void>();
      harness.runtime.beforePull = () => arrived.promise;
      harness.runtime.registry.set('docker.io/library/slow:1', fakeImage('slow'));
      const pod = await harness.create({ containers: [{ name: 'a', image: 'slow:1' }] });
      await until('the pull goes on', () => harness.runtime.calls.some((call) => call.startsWith('pullImage')));
      await harness.delete(pod);
      await harness.untilEnded(pod);
      arrived.resolve();
      await harness.settle();
      assert.deepEqual(made(), []);
    });

    it('ends earlier when asked again with a shorter grace', async () => {
      play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.delete(pod, 600);
      await until('it is signalled', () => harness.runtime.calls.includes('stopContainer container-2 600'));
      await harness.delete(pod, 5);
      await until('it is signalled again', () => harness.runtime.calls.includes('stopContainer container-2 5'));
      await harness.delete(pod, 600);
      await harness.clock.advance(5000);
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'a'), 'terminated 137 Error #0');
      assert.equal(harness.eventsOf('Killing').length, 1);
    });

    it('is killed at once by a grace of 0', async () => {
      play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.delete(pod, 0);
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'a'), 'terminated 137 Error #0');
    });

    it('is over when its activeDeadlineSeconds are', async () => {
      const pod = await harness.create({ activeDeadlineSeconds: 60, containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(59_000);
      assert.equal(harness.observed(pod)?.failure, undefined);
      await harness.clock.advance(1000);
      const ended = await harness.untilEnded(pod);
      assert.deepEqual(ended.failure, {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      });
      assert.deepEqual(harness.eventsOf('DeadlineExceeded'), [ended.failure?.message]);
    });

    it('has not exceeded a deadline that came after its end', async () => {
      play({ a: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ restartPolicy: 'Never', activeDeadlineSeconds: 60, containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      await harness.restart();
      await harness.clock.advance(120_000);
      await harness.engine.createPod(pod, { signal: new AbortController().signal });
      await harness.settle();
      assert.equal(harness.observed(pod)?.failure, undefined);
    });

    it('is over, with its sandbox stopped, when none of its containers is to be started again', async () => {
      play({ a: [{ exitAfterMs: 1000, exitCode: 0 }], b: [{ exitAfterMs: 2000, exitCode: 3 }] });
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await until('a has ended', () => stateOf(pod, 'a') === 'terminated 0 Completed #0');
      assert.equal(harness.observed(pod)?.ended, false);
      await harness.clock.advance(1000);
      const ended = await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'b'), 'terminated 3 Error #0');
      assert.equal(ended.sandboxReady, false);
      await until('the sandbox is stopped', () => harness.runtime.sandboxes.every(({ ready }) => !ready));
    });
  });

  describe('a container that ends', () => {
    for (const [restartPolicy, exitCode, again] of [
      ['Always', 0, true],
      ['Always', 1, true],
      ['OnFailure', 0, false],
      ['OnFailure', 1, true],
      ['Never', 0, false],
      ['Never', 1, false],
    ] as const) {
      it(`with ${exitCode} is ${again ? '' : 'not '}started again by restartPolicy ${restartPolicy}`, async () => {
        play({ a: [{ exitAfterMs: 1000, exitCode }, {}] });
        const pod = await harness.create({ restartPolicy, containers: [app('a'), app('b')] });
        await harness.untilRunning(pod);
        await harness.clock.advance(1000);
        const reason = exitCode === 0 ? 'Completed' : 'Error';
        const expected = again ? 'running #1' : `terminated ${exitCode} ${reason} #0`;
        await until(expected, () => stateOf(pod, 'a') === expected);
        await harness.settle();
        assert.equal(stateOf(pod, 'b'), 'running #0');
        assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, again ? exitCode : undefined);
      });
    }

    it('restarts at once, then after 10 s, 20 s and so on up to 5 min, each time told', async () => {
      play({ a: [{ exitAfterMs: 1000, exitCode: 1 }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      for (const [index, waitSeconds] of [0, 10, 20, 40, 80, 160, 300, 300].entries()) {
        await harness.clock.advance(1000);
        if (waitSeconds > 0) {
          await harness.untilWaiting(pod, 'a', 'CrashLoopBackOff');
          await harness.clock.advance(waitSeconds * 1000 - 1);
          assert.equal(stateOf(pod, 'a'), `waiting CrashLoopBackOff #${index}`);
          await harness.clock.advance(1);
        }
        await until(`restart ${index + 1}`, () => stateOf(pod, 'a') === `running #${index + 1}`);
      }
      assert.equal(harness.eventsOf('BackOff').length, 7);
      const { name, namespace, uid } = pod.metadata ?? {};
      assert.equal(
        harness.eventsOf('BackOff')[0],
        `Back-off restarting failed container a in pod ${name}_${namespace}(${uid})`,
      );
      const waiting = harness.pushed
        .flatMap(({ containers }) => containers)
        .findLast(({ state }) => state.kind === 'waiting');
      assert.equal(
        waiting?.state.kind === 'waiting' && waiting.state.message,
        `back-off 5m0s restarting failed container=a pod=${name}_${namespace}(${uid})`,
      );
      assert.equal(waiting?.lastTerminated?.exitCode, 1);
      assert.ok(harness.runtime.containers.length <= 2, 'old attempts are removed');
    });

    it('restarts at once after it has run for more than ten minutes', async () => {
      play({ a: [{ exitAfterMs: 0, exitCode: 1 }, { exitAfterMs: 601_000, exitCode: 1 }, {}] });
      const pod = await harness.create({ containers: [app('a')] });
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      await harness.clock.advance(601_000);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #2');
    });

    it('tells an OOM kill and a start that failed for what they are', async () => {
      play({ b: [{ startError: 'exec: "nope": not found' }] });
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a'), app('b')] });
      await until('b has ended', () => stateOf(pod, 'b') === 'terminated 127 StartError #0');
      const [id] = harness.runtimeIds(pod, 'a');
      harness.runtime.exit(id ?? '', 137, { oomKilled: true });
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'a'), 'terminated 137 OOMKilled #0');
      assert.deepEqual(harness.eventsOf('Failed'), ['Error: exec: "nope": not found']);
    });
  });

  describe('init containers', () => {
    it('run to their end one after the other, before the others', async () => {
      play({ i: [{ exitAfterMs: 1000 }], j: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ initContainers: [app('i'), app('j')], containers: [app('a')] });
      await harness.untilRunning(pod, 'i');
      assert.deepEqual(made(), ['i_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'j');
      assert.deepEqual(made(), ['i_0', 'j_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a');
      assert.deepEqual(made(), ['i_0', 'j_0', 'a_0']);
      assert.equal(stateOf(pod, 'i'), 'terminated 0 Completed #0');
    });

    it('are tried again where they fail, and end the pod where they may not be', async () => {
      play({ i: [{ exitAfterMs: 1000, exitCode: 1 }, {}] });
      const patient = await harness.create({
        restartPolicy: 'OnFailure',
        initContainers: [app('i')],
        containers: [app('a')],
      });
      const strict = await harness.create({
        restartPolicy: 'Never',
        initContainers: [app('i')],
        containers: [app('a')],
      });
      await harness.untilRunning(patient, 'i');
      await harness.untilRunning(strict, 'i');
      await harness.clock.advance(1000);
      await until('it runs again', () => stateOf(patient, 'i') === 'running #1');
      await harness.untilEnded(strict);
      assert.equal(stateOf(strict, 'i'), 'terminated 1 Error #0');
      assert.equal(stateOf(strict, 'a'), 'waiting PodInitializing #0');
    });
  });

  describe('sidecars', () => {
    it('start in order beside init containers and run on beside the others', async () => {
      play({ j: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({
        initContainers: [sidecar('s'), app('j'), sidecar('t')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'j');
      assert.deepEqual(made(), ['s_0', 'j_0']);
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 's', 't', 'a');
      assert.deepEqual(made(), ['s_0', 'j_0', 't_0', 'a_0']);
    });

    it('are started again where they end, whatever the pod’s restartPolicy', async () => {
      const pod = await harness.create({
        restartPolicy: 'Never',
        initContainers: [sidecar('s')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'a');
      harness.runtime.exit(harness.runtimeIds(pod, 's')[0] ?? '', 0);
      await until('it runs again', () => stateOf(pod, 's') === 'running #1');
      assert.equal(stateOf(pod, 'a'), 'running #0');
    });

    it('end after the other containers, the last one first', async () => {
      play({ a: [{ termMs: 2000 }], s: [{ termMs: 1000 }], t: [{ termMs: 1000 }] });
      const pod = await harness.create({ initContainers: [sidecar('s'), sidecar('t')], containers: [app('a')] });
      await harness.untilRunning(pod, 's', 't', 'a');
      await harness.delete(pod);
      const stopped = (name: string): boolean => harness.eventsOf('Killing').includes(`Stopping container ${name}`);
      await until('a is stopped', () => stopped('a'));
      await harness.settle();
      assert.deepEqual([stopped('s'), stopped('t')], [false, false]);
      await harness.clock.advance(2000);
      await until('t is stopped', () => stopped('t'));
      await harness.settle();
      assert.equal(stopped('s'), false);
      await harness.clock.advance(1000);
      await until('s is stopped', () => stopped('s'));
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      assert.ok(
        harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 's')} 27`),
        'with what is left of the grace',
      );
    });

    it('are not waited for beyond the grace', async () => {
      play({ a: [{ termMs: Number.POSITIVE_INFINITY }] });
      const pod = await harness.create({ initContainers: [sidecar('s')], containers: [app('a')] });
      await harness.untilRunning(pod, 's', 'a');
      await harness.delete(pod, 10);
      await until('a is stopped', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(10_000);
      await harness.untilEnded(pod);
    });

    it('end with a pod whose work is done', async () => {
      play({ a: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({
        restartPolicy: 'OnFailure',
        initContainers: [sidecar('s')],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's', 'a');
      await harness.clock.advance(1000);
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 's'), 'terminated 143 Error #0');
    });
  });

  describe('images', () => {
    const pulls = (): number => harness.runtime.calls.filter((call) => call.startsWith('pullImage')).length;

    it('that are missing are pulled once for all who want them', async () => {
      const arrived = Promise.withResolvers<void>();
      harness.runtime.beforePull = () => arrived.promise;
      harness.runtime.registry.set('docker.io/library/new:1', fakeImage('new'));
      const pods = await Promise.all(
        [1, 2, 3].map(() => harness.create({ containers: [{ name: 'a', image: 'new:1' }] })),
      );
      await until('all wait', () => harness.eventsOf('Pulling').length === 3);
      arrived.resolve();
      for (const pod of pods) await harness.untilRunning(pod);
      assert.equal(pulls(), 1);
      assert.equal(harness.eventsOf('Pulling')[0], 'Pulling image "new:1"');
      assert.match(
        harness.eventsOf('Pulled')[0] ?? '',
        /^Successfully pulled image "new:1" in 0s \(0s including waiting\)\. Image size: 1000 bytes\.$/,
      );
    });

    it('are pulled at each start by pull policy Always, and never by Never', async () => {
      harness.runtime.registry.set('docker.io/library/app:1', fakeImage('docker.io/library/app:1'));
      play({ a: [{ exitAfterMs: 1000 }, {}] });
      const pod = await harness.create({ containers: [app('a', { imagePullPolicy: 'Always' })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      assert.equal(pulls(), 2);
      const never = await harness.create({ containers: [{ name: 'a', image: 'gone:1', imagePullPolicy: 'Never' }] });
      const { state } = await harness.untilWaiting(never, 'a', 'ErrImageNeverPull');
      assert.equal(
        state.kind === 'waiting' && state.message,
        'Container image "gone:1" is not present with pull policy of Never',
      );
      assert.deepEqual(harness.eventsOf('Failed'), ['Error: ErrImageNeverPull']);
      assert.equal(pulls(), 2);
    });

    it('that cannot be pulled are tried again with backoff, and the pod runs when they are there', async () => {
      const pod = await harness.create({ containers: [{ name: 'a', image: 'new:1' }, app('b')] });
      const failed = await harness.untilWaiting(pod, 'a', 'ErrImagePull');
      assert.equal(
        failed.state.kind === 'waiting' && failed.state.message,
        'manifest for docker.io/library/new:1 not found',
      );
      await harness.untilRunning(pod, 'b');
      await harness.clock.advance(5000);
      const backingOff = await harness.untilWaiting(pod, 'a', 'ImagePullBackOff');
      assert.equal(
        backingOff.state.kind === 'waiting' && backingOff.state.message,
        'Back-off pulling image "new:1": ErrImagePull: manifest for docker.io/library/new:1 not found',
      );
      assert.deepEqual(harness.eventsOf('Failed'), [
        'Failed to pull image "new:1": manifest for docker.io/library/new:1 not found',
        'Error: ErrImagePull',
      ]);
      assert.deepEqual(harness.eventsOf('BackOff'), ['Back-off pulling image "new:1"']);
      harness.runtime.registry.set('docker.io/library/new:1', fakeImage('new'));
      await harness.clock.advance(5000);
      await harness.untilRunning(pod, 'a');
    });

    it('of names that make no sense are told', async () => {
      const pod = await harness.create({ containers: [{ name: 'a', image: 'No Image' }] });
      await harness.untilWaiting(pod, 'a', 'InvalidImageName');
    });
  });

  describe('what a container refers to', () => {
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }];

    it('holds it back while it is missing', async () => {
      const pod = await harness.create({ containers: [app('a', { env })] });
      const { state } = await harness.untilWaiting(pod, 'a', 'CreateContainerConfigError');
      assert.equal(state.kind === 'waiting' && state.message, 'configmap "settings" not found');
      harness.references.configMaps.set('settings', { x: 'hello' });
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
      assert.equal(harness.runtime.specOf(harness.idOf(pod, 'a')).env['X'], 'hello');
    });

    it('holds the pod back where a volume needs it', async () => {
      const volumes = [{ name: 'v', configMap: { name: 'settings' } }];
      const pod = await harness.create({
        volumes,
        containers: [app('a', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
      });
      await until('it is told', () => harness.eventsOf('FailedMount').length > 0);
      assert.deepEqual(harness.eventsOf('FailedMount'), [
        'MountVolume.SetUp failed for volume "v" : configmap "settings" not found',
      ]);
      assert.equal(harness.runtime.sandboxes.length, 0);
      harness.references.configMaps.set('settings', { x: 'hello' });
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
    });

    it('must not let it run as root where the pod forbids that', async () => {
      const pod = await harness.create({ securityContext: { runAsNonRoot: true }, containers: [app('a')] });
      await harness.untilWaiting(pod, 'a', 'CreateContainerConfigError');
    });
  });

  describe('the runtime', () => {
    it('that refuses a sandbox is told, and tried again', async () => {
      harness.runtime.failNext('runSandbox', new CodedError('Internal', 'no addresses left'));
      const pod = await harness.create({ containers: [app('a')] });
      await until('it is told', () => harness.eventsOf('FailedCreatePodSandBox').length === 1);
      assert.deepEqual(harness.eventsOf('FailedCreatePodSandBox'), ['Failed to create pod sandbox: no addresses left']);
      await harness.settle();
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
    });

    it('that refuses a container is told, and tried again', async () => {
      harness.runtime.failNext('createContainer', new CodedError('Internal', 'no room'));
      const pod = await harness.create({ containers: [app('a')] });
      const { state } = await harness.untilWaiting(pod, 'a', 'CreateContainerError');
      assert.equal(state.kind === 'waiting' && state.message, 'no room');
      await harness.settle();
      await harness.clock.advance(10_000);
      await harness.untilRunning(pod);
      assert.equal(stateOf(pod, 'a'), 'running #0');
    });

    it('whose sandbox dies gets a new one, and all containers start anew in it', async () => {
      play({ i: [{ exitAfterMs: 1000 }] });
      const pod = await harness.create({ initContainers: [app('i')], containers: [app('a'), app('b')] });
      await harness.untilRunning(pod, 'i');
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a', 'b');
      const before = harness.observed(pod)?.podIps[0];
      harness.runtime.breakSandbox(harness.runtime.sandboxes[0]?.id ?? '');
      await until('i runs again', () => stateOf(pod, 'i') === 'running #1');
      await harness.clock.advance(1000);
      await until('both run again', () => stateOf(pod, 'a') === 'running #1' && stateOf(pod, 'b') === 'running #1');
      assert.notEqual(harness.observed(pod)?.podIps[0], before);
      assert.deepEqual(harness.eventsOf('SandboxChanged'), ['Pod sandbox changed, it will be killed and re-created.']);
      assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, 143);
    });

    it('that was started anew with its machine runs everything again', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.reboot();
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
    });

    it('does not start again what may not be, when a sandbox dies', async () => {
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.breakSandbox(harness.runtime.sandboxes[0]?.id ?? '');
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'a'), 'terminated 143 Error #0');
      assert.deepEqual(made(), ['a_0']);
    });

    it('that goes away and comes back finds its containers as they are', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      harness.runtime.goDown();
      await harness.settle();
      const pushed = harness.pushed.length;
      await harness.clock.advance(120_000);
      assert.equal(harness.pushed.length, pushed, 'nothing is declared dead');
      harness.runtime.exit(harness.idOf(pod, 'a'), 3);
      harness.runtime.comeBack();
      await harness.clock.advance(10_000);
      await until('a runs again', () => stateOf(pod, 'a') === 'running #1');
      assert.equal(stateOf(pod, 'b'), 'running #0');
      assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, 3);
    });

    it('whose events are lost is listed', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.breakEvents();
      harness.runtime.exit(harness.idOf(pod, 'a'), 3);
      await harness.settle();
      await harness.clock.advance(250);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
    });

    it('is not asked about pods of which nothing is heard', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      await harness.settle();
      harness.runtime.calls.length = 0;
      for (let minute = 0; minute < 10; minute++) {
        await harness.clock.advance(60_000);
        await harness.settle();
      }
      assert.deepEqual(new Set(harness.runtime.calls), new Set(['listSandboxes', 'listContainers']));
      assert.equal(harness.runtime.calls.length, 20);
    });
  });

  describe('a container that somebody removes', () => {
    it('is started again, counted on from where it was', async () => {
      play({ a: [{ exitAfterMs: 1000, exitCode: 1 }, {}] });
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      harness.runtime.vanish(harness.idOf(pod, 'a'));
      await until('it runs again', () => stateOf(pod, 'a') === 'running #2');
      assert.equal(stateOf(pod, 'b'), 'running #0');
    });

    it('failed where it may not be started again', async () => {
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.vanish(harness.idOf(pod, 'a'));
      await harness.untilEnded(pod);
      assert.equal(stateOf(pod, 'a'), 'terminated 137 ContainerStatusUnknown #0');
    });

    it('while we are dead is known from the API server’s status', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      const id = harness.idOf(pod, 'a');
      await harness.stop();
      harness.runtime.vanish(id);
      harness.start();
      const status = {
        name: 'a',
        image: '',
        imageID: '',
        ready: true,
        restartCount: 4,
        containerID: `fake://${id}`,
        state: { running: {} },
      };
      await harness.engine.createPod(
        { ...pod, status: { containerStatuses: [status] } },
        { signal: new AbortController().signal },
      );
      await until('it runs again', () => stateOf(pod, 'a') === 'running #5');
    });
  });

  it('leaves what belongs to other nodes and clusters alone', async () => {
    const { signal } = new AbortController();
    const labels = {
      'virtual-kubelet.io/node': 'node-a',
      'virtual-kubelet.io/cluster': 'another cluster',
      'io.kubernetes.pod.uid': 'x',
      'io.kubernetes.pod.name': 'x',
      'io.kubernetes.pod.namespace': 'x',
    };
    const network = { hostname: 'x', hostNetwork: false, sharePids: false, sysctls: {}, hostPorts: [] };
    await harness.runtime.runSandbox({ name: 'x', labels, ...network }, { signal });
    assert.deepEqual(await harness.engine.listPods({ signal }), []);
    await assert.rejects(
      harness.engine.deletePod({ namespace: 'x', name: 'x', uid: 'x' }, { gracePeriodSeconds: 1, signal }),
      (error) => hasCode(error, 'NotFound'),
    );
    await harness.engine.releasePod({ namespace: 'x', name: 'x', uid: 'x' }, { signal });
    assert.equal(harness.runtime.sandboxes.length, 1);
  });

  describe('a changed spec', () => {
    const { signal } = new AbortController();

    it('starts a container anew where its image is another, with no backoff', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      const changed: Pod = { ...pod, spec: { ...pod.spec, containers: [{ ...app('a'), image: 'other:1' }, app('b')] } };
      await harness.engine.updatePod(changed, { signal });
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      assert.equal(harness.container(pod, 'a')?.image, 'docker.io/library/other:1');
      assert.equal(stateOf(pod, 'b'), 'running #0');
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a definition changed, will be restarted']);
    });

    it('of resources is refused while the container runs', async () => {
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      const changed: Pod = {
        ...pod,
        spec: { ...pod.spec, containers: [app('a', { resources: { limits: { cpu: '1' } } })] },
      };
      await assert.rejects(harness.engine.updatePod(changed, { signal }), (error) => hasCode(error, 'NotImplemented'));
      assert.equal(stateOf(pod, 'a'), 'running #0');
    });
  });

  describe('probes', () => {
    const exec = { exec: { command: ['check'] }, periodSeconds: 1 };
    let healthy = true;
    beforeEach(() => {
      healthy = true;
      harness.runtime.onExec = async () => ({ exitCode: healthy ? 0 : 1, stdout: 'not well' });
    });
    const ready = (pod: Pod): boolean | undefined => harness.container(pod, 'a')?.ready;
    const tries = (): number => harness.runtime.calls.filter((call) => call.startsWith('exec')).length;

    it('of readiness say when a container is ready, and when it is no more', async () => {
      healthy = false;
      const pod = await harness.create({
        containers: [app('a', { readinessProbe: { ...exec, failureThreshold: 2 } })],
      });
      await harness.untilRunning(pod);
      assert.equal(ready(pod), false);
      healthy = true;
      await harness.clock.advance(1000);
      await until('it is ready', () => ready(pod) === true);
      healthy = false;
      await harness.clock.advance(1000);
      assert.equal(ready(pod), true, 'once is not enough');
      await harness.clock.advance(1000);
      await until('it is ready no more', () => ready(pod) === false);
      assert.equal(stateOf(pod, 'a'), 'running #0');
      assert.equal(harness.eventsOf('Unhealthy').at(-1), 'Readiness probe failed: not well');
    });

    it('of liveness have a container started anew, with the grace of the probe', async () => {
      const livenessProbe = { ...exec, initialDelaySeconds: 5, failureThreshold: 1, terminationGracePeriodSeconds: 7 };
      const pod = await harness.create({ containers: [app('a', { livenessProbe })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(4999);
      assert.equal(tries(), 0);
      healthy = false;
      await harness.clock.advance(1);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed liveness probe, will be restarted']);
      assert.ok(harness.runtime.calls.some((call) => /^stopContainer \S+ 7$/.test(call)));
    });

    it('of liveness end a container that is never restarted', async () => {
      healthy = false;
      const livenessProbe = { ...exec, failureThreshold: 1 };
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a', { livenessProbe })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(500);
      await harness.untilEnded(pod);
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed liveness probe']);
    });

    it('of startup hold back the others, and what comes after a sidecar', async () => {
      healthy = false;
      const probes = { startupProbe: { ...exec, failureThreshold: 5 }, readinessProbe: exec };
      const pod = await harness.create({
        initContainers: [{ ...sidecar('s'), ...probes }],
        containers: [app('a')],
      });
      await harness.untilRunning(pod, 's');
      await harness.clock.advance(2000);
      assert.equal(harness.container(pod, 's')?.started, false);
      assert.deepEqual(made(), ['s_0']);
      healthy = true;
      await harness.clock.advance(1000);
      await harness.untilRunning(pod, 'a');
      await until('it is ready', () => harness.container(pod, 's')?.ready === true);
    });

    it('that are not passed in time end a container', async () => {
      healthy = false;
      const pod = await harness.create({ containers: [app('a', { startupProbe: { ...exec, failureThreshold: 2 } })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1500);
      await until('it runs again', () => stateOf(pod, 'a') === 'running #1');
      assert.deepEqual(harness.eventsOf('Killing'), ['Container a failed startup probe, will be restarted']);
    });

    it('are not forgotten when we start anew: what was ready stays so', async () => {
      const pod = await harness.create({ containers: [app('a', { readinessProbe: { ...exec, periodSeconds: 60 } })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(500);
      await until('it is ready', () => ready(pod) === true);
      const { containerId = '', image = '', imageId = '' } = harness.container(pod, 'a') ?? {};
      const before = harness.pushed.length;
      await harness.restart();
      const status = {
        name: 'a',
        ready: true,
        started: true,
        restartCount: 0,
        containerID: containerId,
        image,
        imageID: imageId,
      };
      await until('it is found', () => harness.observed(pod) !== undefined);
      await harness.engine.createPod(
        { ...pod, status: { containerStatuses: [status] } },
        { signal: new AbortController().signal },
      );
      await harness.settle();
      assert.equal(ready(pod), true);
      const since = harness.pushed.slice(before).flatMap(({ containers }) => containers);
      assert.deepEqual(
        since.filter((container) => !container.ready),
        [],
      );
    });

    it('end with their containers', async () => {
      const pod = await harness.create({ containers: [app('a', { livenessProbe: exec })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(5000);
      await harness.delete(pod);
      await harness.untilEnded(pod);
      await harness.release(pod);
      const before = tries();
      await harness.clock.advance(60_000);
      assert.equal(tries(), before);
    });
  });

  describe('hooks', () => {
    const exec = (...command: string[]) => ({ exec: { command } });

    it('of postStart hold back what comes after, and a failing one kills its container', async () => {
      const through = Promise.withResolvers<{ exitCode: number }>();
      harness.runtime.onExec = () => through.promise;
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { postStart: exec('warm', 'up') } }), app('b')],
      });
      await until('the hook runs', () => harness.runtime.calls.some((call) => call.endsWith('warm up')));
      await harness.settle();
      assert.deepEqual(made(), ['a_0']);
      assert.equal(stateOf(pod, 'a'), 'waiting ContainerCreating #0', 'it does not count as running yet');
      through.resolve({ exitCode: 1 });
      await harness.untilWaiting(pod, 'a', 'PostStartHookError');
      await harness.untilRunning(pod, 'b');
      assert.deepEqual(harness.eventsOf('FailedPostStartHook'), ['PostStartHook failed']);
    });

    it('of preStop run before the signal, within the grace', async () => {
      play({ a: [{ termMs: 0 }] });
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { preStop: { sleep: { seconds: 4 } } } })],
      });
      await harness.untilRunning(pod);
      await harness.delete(pod, 10);
      await until('it is told', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(3900);
      assert.equal(
        harness.runtime.calls.some((call) => call.startsWith('stopContainer')),
        false,
      );
      await harness.clock.advance(100);
      await harness.untilEnded(pod);
      assert.ok(harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 'a')} 6`));
    });

    it('of preStop that take too long are not waited for', async () => {
      const pod = await harness.create({
        containers: [app('a', { lifecycle: { preStop: { sleep: { seconds: 60 } } } })],
      });
      await harness.untilRunning(pod);
      await harness.delete(pod, 10);
      await until('it is told', () => harness.eventsOf('Killing').length === 1);
      await harness.clock.advance(10_000);
      await harness.untilEnded(pod);
      assert.ok(harness.runtime.calls.includes(`stopContainer ${harness.idOf(pod, 'a')} 2`), 'with the least there is');
    });
  });
});
