import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Image, Runtime } from '../../runtime/runtime.ts';
import { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { FakeClock, settle } from '../../support/testing/fake-clock.ts';
import { fakeImage } from '../testing/engine-harness.ts';
import { ImagePuller } from './image-puller.ts';

describe('ImagePuller', () => {
  let clock: FakeClock;
  let runtime: FakeRuntime;
  let puller: ImagePuller;
  let arrive: () => void;
  const never = new AbortController().signal;

  beforeEach(() => {
    clock = new FakeClock();
    runtime = new FakeRuntime(clock);
    puller = new ImagePuller({ runtime, clock, parallelPulls: 2 });
    const arrived = Promise.withResolvers<void>();
    arrive = arrived.resolve;
    runtime.beforePull = () => arrived.promise;
    for (const name of ['a', 'b', 'c']) runtime.registry.set(name, fakeImage(name));
  });

  const pull = (reference: string, signal = never, credentials: { username: string; password: string }[] = []) =>
    puller.pull({ reference, credentials, signal });
  const pulling = (): readonly string[] => runtime.calls;

  it('pulls once for all who want the same, and anew for who comes later', async () => {
    const both = Promise.all([pull('a'), pull('a')]);
    arrive();
    assert.deepEqual(
      (await both).map(({ image }) => image.id),
      ['id-of-a', 'id-of-a'],
    );
    assert.deepEqual(pulling(), ['pullImage a']);
    await pull('a');
    assert.deepEqual(pulling(), ['pullImage a', 'pullImage a']);
  });

  it('does not share a pull between different credentials', async () => {
    const both = [pull('a', never, [{ username: 'u', password: 'p' }]), pull('a')];
    await settle();
    assert.equal(pulling().length, 2);
    arrive();
    await Promise.all(both);
  });

  it('pulls a bounded number at the same time', async () => {
    const all = Promise.all(['a', 'b', 'c'].map((name) => pull(name)));
    await settle();
    assert.deepEqual(pulling(), ['pullImage a', 'pullImage b']);
    arrive();
    await all;
    assert.equal(pulling().length, 3);
  });

  it('goes on while anybody waits, and is given up when nobody does', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const signals: AbortSignal[] = [];
    const spy = new Proxy(runtime, {
      get: (target, property) =>
        property === 'pullImage'
          ? (reference: string, options: { signal: AbortSignal }): Promise<Image> => {
              signals.push(options.signal);
              return target.pullImage(reference, options);
            }
          : Reflect.get(target, property, target),
    }) as Runtime;
    puller = new ImagePuller({ runtime: spy, clock, parallelPulls: 2 });
    const pulls = [pull('a', first.signal), pull('a', second.signal)];
    await settle();
    first.abort(new Error('gone'));
    await assert.rejects(pulls[0] as Promise<unknown>, /gone/);
    assert.equal(signals[0]?.aborted, false);
    second.abort(new Error('gone too'));
    await assert.rejects(pulls[1] as Promise<unknown>, /gone too/);
    assert.equal(signals[0]?.aborted, true);
  });

  it('tries all credentials in turn, the last failure counting', async () => {
    arrive();
    runtime.failNext('pullImage', new Error('first'));
    const credentials = ['x', 'y'].map((username) => ({ username, password: '' }));
    assert.equal((await pull('a', never, credentials)).image.id, 'id-of-a');
    runtime.failNext('pullImage', new Error('first'));
    runtime.failNext('pullImage', new Error('second'));
    await assert.rejects(pull('a', never, credentials), /second/);
  });
});
