import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseImageReference } from './image-reference.ts';
import { toImage, toPullError } from './images.ts';

test('the digest is that of the repository that was asked for', () => {
  const image = {
    Id: 'id',
    RepoTags: null,
    RepoDigests: ['docker.io/library/other@sha256:1', 'docker.io/library/nginx@sha256:2'],
    Size: 7,
  };
  const rest = { id: 'id', repoTags: [], user: '', sizeBytes: 7 };
  const asked = (reference: string) => toImage(image, parseImageReference(reference));
  assert.deepEqual(asked('nginx'), { ...rest, repoDigest: 'docker.io/library/nginx@sha256:2' });
  assert.deepEqual(toImage(image), { ...rest, repoDigest: 'docker.io/library/other@sha256:1' });
  assert.deepEqual(asked('example.com/nginx'), rest);
  assert.deepEqual(toImage({ ...image, RepoDigests: null }), rest);
});

describe('why a pull failed', () => {
  const cases = [
    {
      words: 'initializing source docker://x:1: reading manifest 1 in x: manifest unknown',
      code: 'NotFound',
      says: 'manifest unknown',
    },
    {
      words:
        'initializing source docker://nosuch:latest: reading manifest latest in docker.io/library/nosuch: requested access to the resource is denied',
      code: 'Unauthorized',
      says: 'requested access to the resource is denied',
    },
    {
      words: 'initializing source docker://x:1: unable to retrieve auth token: invalid username/password: unauthorized',
      code: 'Unauthorized',
      says: 'unable to retrieve auth token: invalid username/password: unauthorized',
    },
    {
      words:
        'initializing source docker://x:1: reading manifest 1 in x: toomanyrequests: You have reached your pull rate limit',
      code: 'Throttled',
      says: 'toomanyrequests: You have reached your pull rate limit',
    },
    {
      words:
        'initializing source docker://x:1: pinging container registry r: Get "https://r/v2/": dial tcp: i/o timeout',
      code: 'Unavailable',
      says: 'pinging container registry r: Get "https://r/v2/": dial tcp: i/o timeout',
    },
  ] as const;
  for (const { words, code, says } of cases) {
    test(`${code}: ${says}`, () => {
      const error = toPullError('x:1', words);
      assert.deepEqual(
        { code: error.code, reason: error.reason, message: error.message },
        { code, reason: 'ErrImagePull', message: `failed to pull image "x:1": ${says}` },
      );
    });
  }
});
