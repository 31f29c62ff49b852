import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { formatImageReference, parseImageReference } from './image-reference.ts';

const digest = `sha256:${'a1'.repeat(32)}`;

describe('a reference is completed as a kubelet does', () => {
  const cases = {
    nginx: 'docker.io/library/nginx:latest',
    'nginx:1.27': 'docker.io/library/nginx:1.27',
    'team/app': 'docker.io/team/app:latest',
    'docker.io/nginx': 'docker.io/library/nginx:latest',
    'index.docker.io/nginx': 'docker.io/library/nginx:latest',
    'docker.io/library/nginx:latest': 'docker.io/library/nginx:latest',
    'registry.k8s.io/pause:3.10': 'registry.k8s.io/pause:3.10',
    'localhost/app': 'localhost/app:latest',
    'localhost:5000/app': 'localhost:5000/app:latest',
    '127.0.0.1:5000/a/b/c:x': '127.0.0.1:5000/a/b/c:x',
    '[::1]:5000/app': '[::1]:5000/app:latest',
    [`nginx@${digest}`]: `docker.io/library/nginx@${digest}`,
    [`nginx:1.27@${digest}`]: `docker.io/library/nginx@${digest}`,
  };
  for (const [text, complete] of Object.entries(cases)) {
    test(text, () => assert.equal(formatImageReference(parseImageReference(text)), complete));
  }
});

describe('a reference that cannot be is refused', () => {
  for (const text of [
    '',
    ':tag',
    'Nginx',
    'a//b',
    'nginx:',
    'nginx:a b',
    'nginx@sha256:12',
    '-x/y.z/',
    'a/b:c:d',
    `${'a/'.repeat(130)}b`,
  ]) {
    test(`"${text.slice(0, 20)}"`, () => {
      assert.throws(
        () => parseImageReference(text),
        (error) => hasCode(error, 'InvalidInput') && error.reason === 'InvalidImageName',
      );
    });
  }
});
