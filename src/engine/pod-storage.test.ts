import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { podRef } from '../kubernetes/objects.ts';
import { podFolder } from './disk/pod-folder.ts';
import { app, EngineHarness } from './testing/engine-harness.ts';

const limited = (amount: string) => app('a', { resources: { limits: { 'ephemeral-storage': amount } } });

describe('Engine: storage', () => {
  let harness: EngineHarness;
  beforeEach(() => {
    harness = new EngineHarness();
  });
  afterEach(() => harness.close());

  /** Time for so many looks, and for each to end: file systems are real. */
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look++) {
      await harness.clock.advance(10_000);
      await harness.settle();
    }
  };

  it('of containers and volumes is known after ten seconds', async () => {
    harness.sizeOf = (path) => ({ bytes: path.endsWith('/diff') ? 7 : 5, inodes: 1 });
    const pod = await harness.create({
      containers: [app('a')],
      volumes: [
        { name: 'cache', emptyDir: {} },
        { name: 'fast', emptyDir: { medium: 'Memory' } },
        { name: 'host', hostPath: { path: '/' } },
      ],
    });
    await harness.untilRunning(pod);
    const { storage } = harness.engine;
    const { uid } = podRef(pod);
    assert.deepEqual(storage.volumeSizes(uid), []);
    await harness.clock.advance(10_000);
    await harness.until('a size', () => storage.volumeSizes(uid).length > 0);
    assert.deepEqual(
      storage.volumeSizes(uid).map(({ name, isOnDisk, bytes }) => [name, isOnDisk, bytes]),
      [
        ['cache', true, 5],
        ['fast', false, 5],
      ],
    );
    assert.equal(storage.layerSize(harness.idOf(pod, 'a'))?.bytes, 7);
  });

  it('that is more than a limit ends the pod, told as by a kubelet', async () => {
    const pod = await harness.create({
      containers: [limited('1Mi')],
      volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Ki' } }],
    });
    await harness.untilRunning(pod);
    await looks(3);
    assert.equal(harness.stateOf(pod, 'a'), 'running #0');
    const cache = join(podFolder(harness.rootDir, podRef(pod).uid).emptyDirs, 'cache');
    harness.sizeOf = (path) => ({ bytes: path === cache ? 1025 : 0, inodes: 1 });
    await looks(1);
    const { failure, containers } = await harness.untilEnded(pod);
    const message = 'Usage of EmptyDir volume "cache" exceeds the limit "1Ki". ';
    assert.deepEqual(failure, { reason: 'Evicted', message });
    assert.equal(containers[0]?.state.kind, 'terminated');
    const told = harness.events.filter(({ reason }) => reason === 'Evicted');
    assert.deepEqual(
      told.map(({ type, message: words }) => [type, words]),
      [['Warning', message]],
    );
  });

  it('counts against the limit of the container that writes, its other attempts not', async () => {
    const pod = await harness.create({ containers: [limited('1Ki')] });
    await harness.untilRunning(pod);
    const first = harness.idOf(pod, 'a');
    harness.runtime.exit(first, 1);
    await harness.until('it runs again', () => harness.stateOf(pod, 'a') === 'running #1');
    harness.sizeOf = (path) => ({ bytes: path.includes(`/${first}/`) ? 2000 : 1000, inodes: 1 });
    await looks(3);
    assert.equal(harness.stateOf(pod, 'a'), 'running #1');
    harness.sizeOf = () => ({ bytes: 1025, inodes: 1 });
    await looks(1);
    const { failure } = await harness.untilEnded(pod);
    assert.equal(failure?.message, 'Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ');
  });

  it('that was too much is not forgotten by the process after us', async () => {
    harness.play({ b: [{ termMs: Number.POSITIVE_INFINITY }] });
    const pod = await harness.create({
      restartPolicy: 'Never',
      containers: [app('a'), app('b')],
      volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Ki' } }],
    });
    await harness.untilRunning(pod);
    harness.sizeOf = () => ({ bytes: 2000, inodes: 1 });
    await harness.clock.advance(10_000);
    await harness.until('a has ended', () => harness.runtimeIds(pod, 'a').length === 0);
    harness.sizeOf = () => ({ bytes: 0, inodes: 1 });
    await harness.restart();
    await harness.engine.createPod(pod, { signal: new AbortController().signal });
    await harness.clock.advance(5000);
    assert.equal((await harness.untilEnded(pod)).failure?.reason, 'Evicted');
  });

  it('that is too much ends the pod though that cannot be written down', async () => {
    const pod = await harness.create({
      containers: [app('a')],
      volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Ki' } }],
    });
    await harness.untilRunning(pod);
    await mkdir(join(podFolder(harness.rootDir, podRef(pod).uid).root, 'evicted'));
    harness.sizeOf = () => ({ bytes: 2000, inodes: 1 });
    await harness.clock.advance(10_000);
    assert.equal((await harness.untilEnded(pod)).failure?.reason, 'Evicted');
  });

  it('is no matter any more once the containers have ended', async () => {
    const pod = await harness.create({
      restartPolicy: 'Never',
      containers: [app('a')],
      volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Ki' } }],
    });
    await harness.untilRunning(pod);
    harness.runtime.exit(harness.idOf(pod, 'a'), 0);
    await harness.untilEnded(pod);
    harness.sizeOf = () => ({ bytes: 2000, inodes: 1 });
    await looks(3);
    assert.equal(harness.observed(pod)?.failure, undefined);
    assert.deepEqual(harness.eventsOf('Evicted'), []);
  });
});
