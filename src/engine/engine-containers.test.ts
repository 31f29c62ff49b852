import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { hasCode } from '../support/errors.ts';
import { app, EngineHarness, fakeImage } from './testing/engine-harness.ts';

describe('Engine: containers', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

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
        harness.play({ a: [{ exitAfterMs: 1000, exitCode }, {}] });
        const pod = await harness.create({ restartPolicy, containers: [app('a'), app('b')] });
        await harness.untilRunning(pod);
        await harness.clock.advance(1000);
        const reason = exitCode === 0 ? 'Completed' : 'Error';
        const expected = again ? 'running #1' : `terminated ${exitCode} ${reason} #0`;
        await harness.until(expected, () => harness.stateOf(pod, 'a') === expected);
        await harness.settle();
        assert.equal(harness.stateOf(pod, 'b'), 'running #0');
        assert.equal(harness.container(pod, 'a')?.lastTerminated?.exitCode, again ? exitCode : undefined);
      });
    }

    it('restarts at once, then after 10 s, 20 s and so on up to 5 min, each time told', async () => {
      harness.play({ a: [{ exitAfterMs: 1000, exitCode: 1 }] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.untilRunning(pod);
      for (const [index, waitSeconds] of [0, 10, 20, 40, 80, 160, 300, 300].entries()) {
        await harness.clock.advance(1000);
        if (waitSeconds > 0) {
          await harness.untilWaiting(pod, 'a', 'CrashLoopBackOff');
          await harness.clock.advance(waitSeconds * 1000 - 1);
          assert.equal(harness.stateOf(pod, 'a'), `waiting CrashLoopBackOff #${index}`);
          await harness.clock.advance(1);
        }
        await harness.until(`restart ${index + 1}`, () => harness.stateOf(pod, 'a') === `running #${index + 1}`);
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
      harness.play({ a: [{ exitAfterMs: 0, exitCode: 1 }, { exitAfterMs: 601_000, exitCode: 1 }, {}] });
      const pod = await harness.create({ containers: [app('a')] });
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      await harness.clock.advance(601_000);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #2');
    });

    it('tells an OOM kill and a start that failed for what they are', async () => {
      harness.play({ b: [{ startError: 'exec: "nope": not found' }] });
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a'), app('b')] });
      await harness.until('b has ended', () => harness.stateOf(pod, 'b') === 'terminated 127 StartError #0');
      const [id] = harness.runtimeIds(pod, 'a');
      harness.runtime.exit(id ?? '', 137, { oomKilled: true });
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'terminated 137 OOMKilled #0');
      assert.deepEqual(harness.eventsOf('Failed'), ['Error: exec: "nope": not found']);
    });
  });

  it('tells why a container cannot be started, then that it backs off, at each try', async () => {
    harness.play({ a: Array.from({ length: 4 }, () => ({ startError: 'exec: "nope": not found' })) });
    const pod = await harness.create({ containers: [app('a')] });
    const untilState = (state: string): Promise<void> =>
      harness.until(state, () => harness.stateOf(pod, 'a') === state);
    await untilState('waiting RunContainerError #0');
    await harness.clock.advance(10_000);
    await untilState('waiting RunContainerError #1');
    await harness.clock.advance(6000);
    await untilState('waiting CrashLoopBackOff #1');
    await harness.clock.advance(5000);
    await untilState('waiting RunContainerError #2');
    await harness.clock.advance(11_000);
    await untilState('waiting CrashLoopBackOff #2');
  });

  describe('a container that somebody removes', () => {
    it('is started again, counted on from where it was', async () => {
      harness.play({ a: [{ exitAfterMs: 1000, exitCode: 1 }, {}] });
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      harness.runtime.vanish(harness.idOf(pod, 'a'));
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #2');
      assert.equal(harness.stateOf(pod, 'b'), 'running #0');
    });

    it('failed where it may not be started again', async () => {
      const pod = await harness.create({ restartPolicy: 'Never', containers: [app('a')] });
      await harness.untilRunning(pod);
      harness.runtime.vanish(harness.idOf(pod, 'a'));
      await harness.untilEnded(pod);
      assert.equal(harness.stateOf(pod, 'a'), 'terminated 137 ContainerStatusUnknown #0');
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
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #5');
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
      await harness.until('all wait', () => harness.eventsOf('Pulling').length === 3);
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
      harness.play({ a: [{ exitAfterMs: 1000 }, {}] });
      const pod = await harness.create({ containers: [app('a', { imagePullPolicy: 'Always' })] });
      await harness.untilRunning(pod);
      await harness.clock.advance(1000);
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
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

    it('are pulled with the credentials of the pod', async () => {
      const auths = { 'registry.test': { username: 'me', password: 'hush' } };
      const json = Buffer.from(JSON.stringify({ auths })).toString('base64');
      harness.references.secrets.set('pull', { '.dockerconfigjson': json });
      harness.runtime.registry.set('registry.test/new:1', fakeImage('new'));
      const imagePullSecrets = [{ name: 'missing' }, { name: 'pull' }];
      const pod = await harness.create({ imagePullSecrets, containers: [{ name: 'a', image: 'registry.test/new:1' }] });
      await harness.untilRunning(pod);
      assert.deepEqual(harness.runtime.pulledWith, [{ username: 'me', password: 'hush' }]);
      assert.deepEqual(harness.eventsOf('FailedToRetrieveImagePullSecret'), [
        'Unable to retrieve some image pull secrets (missing); attempting to pull the image may not succeed.',
      ]);
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
      await harness.until('it is told', () => harness.eventsOf('FailedMount').length > 0);
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

  describe('a changed spec', () => {
    const { signal } = new AbortController();

    it('starts a container anew where its image is another, with no backoff', async () => {
      const pod = await harness.create({ containers: [app('a'), app('b')] });
      await harness.untilRunning(pod);
      const changed: Pod = { ...pod, spec: { ...pod.spec, containers: [{ ...app('a'), image: 'other:1' }, app('b')] } };
      await harness.engine.updatePod(changed, { signal });
      await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
      assert.equal(harness.container(pod, 'a')?.image, 'docker.io/library/other:1');
      assert.equal(harness.stateOf(pod, 'b'), 'running #0');
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
      assert.equal(harness.stateOf(pod, 'a'), 'running #0');
    });
  });
});
