import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../support/logger.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { fakeRuntime } from '../testing/local-fargate.ts';
import { fullReference, Images } from './images.ts';

for (const [name, reference] of [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['me/app', 'docker.io/me/app:latest'],
  ['quay.io/me/app', 'quay.io/me/app:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['registry:5000/app', 'registry:5000/app:latest'],
  ['registry:5000/app@sha256:ab', 'registry:5000/app@sha256:ab'],
] as const) {
  test(`${name} means ${reference}`, () => assert.equal(fullReference(name), reference));
}

const { signal } = new AbortController();

test('tasks that start together share one pull', async () => {
  const clock = new FakeClock();
  const runtime = fakeRuntime(clock);
  const images = new Images(runtime, { clock, log: silentLogger });
  await Promise.all([images.get('busybox', { signal }), images.get('busybox', { signal })]);
  assert.equal(runtime.calls.filter((call) => call.startsWith('pullImage')).length, 1);
  await clock.advance(30_000);
  await images.get('busybox', { signal });
  assert.equal(runtime.calls.filter((call) => call.startsWith('pullImage')).length, 2);
});

test('an image that was built here needs no registry', async () => {
  const clock = new FakeClock();
  const runtime = fakeRuntime(clock, []);
  const image = { id: 'built', repoTags: [], user: '', sizeBytes: 1 };
  runtime.localImages.set('docker.io/library/mine:latest', image);
  const images = new Images(runtime, { clock, log: silentLogger });
  assert.equal(await images.get('mine', { signal }), image);
});
