import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../support/errors.ts';
import { defaultPullPolicy, normalizedImage, parseImageReference } from './image-reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const cases: readonly (readonly [string, string, 'Always' | 'IfNotPresent'])[] = [
  ['nginx', 'docker.io/library/nginx:latest', 'Always'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27', 'IfNotPresent'],
  ['nginx:latest', 'docker.io/library/nginx:latest', 'Always'],
  ['user/app', 'docker.io/user/app:latest', 'Always'],
  ['index.docker.io/user/app:1', 'docker.io/user/app:1', 'IfNotPresent'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest', 'Always'],
  ['localhost/app:1', 'localhost/app:1', 'IfNotPresent'],
  ['localhost:5000/team/app', 'localhost:5000/team/app:latest', 'Always'],
  ['registry.k8s.io/e2e-test-images/agnhost:2.55', 'registry.k8s.io/e2e-test-images/agnhost:2.55', 'IfNotPresent'],
  ['[fd00::1]:5000/app:1', '[fd00::1]:5000/app:1', 'IfNotPresent'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, 'IfNotPresent'],
  [`quay.io/a/b:1@${digest}`, `quay.io/a/b@${digest}`, 'IfNotPresent'],
];

test('an image name is made whole, and its default pull policy found', async (t) => {
  for (const [image, whole, policy] of cases) {
    await t.test(image, () => {
      assert.equal(normalizedImage(image), whole);
      assert.equal(defaultPullPolicy(image), policy);
    });
  }
});

test('a name that cannot be read is an InvalidImageName', () => {
  for (const image of [
    '',
    'Nginx',
    'docker.io/Nginx',
    'a//b',
    'a:b:c',
    'nginx@sha256:12',
    'a b',
    '-a',
    digest.slice(7),
  ]) {
    assert.throws(
      () => parseImageReference(image),
      (error) => error instanceof CodedError && error.reason === 'InvalidImageName',
      image,
    );
  }
});
