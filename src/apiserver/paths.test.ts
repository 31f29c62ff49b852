import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leases, nodes, pods } from './client.ts';
import { resourceLabel, resourcePath, withQuery } from './paths.ts';

describe('paths of the API', () => {
  for (const [path, expected] of [
    [resourcePath(pods), '/api/v1/pods'],
    [resourcePath(pods, { namespace: 'a' }), '/api/v1/namespaces/a/pods'],
    [resourcePath(pods, { namespace: 'a', name: 'b', subresource: 'status' }), '/api/v1/namespaces/a/pods/b/status'],
    [resourcePath(nodes, { name: 'vk' }), '/api/v1/nodes/vk'],
    [resourcePath(leases, { namespace: 'n', name: 'x/y' }), '/apis/coordination.k8s.io/v1/namespaces/n/leases/x%2Fy'],
    [
      withQuery('/a', { limit: 5, watch: true, labelSelector: 'a=b', continue: undefined }),
      '/a?limit=5&watch=true&labelSelector=a%3Db',
    ],
    [withQuery('/a', { limit: undefined }), '/a'],
  ] as const) {
    it(`makes ${expected}`, () => assert.equal(path, expected));
  }

  for (const [path, expected] of [
    ['/api/v1/namespaces/a/serviceaccounts/b/token', 'serviceaccounts/token'],
    ['/apis/authentication.k8s.io/v1/tokenreviews', 'tokenreviews'],
    ['/api/v1/namespaces/a', 'namespaces'],
  ] as const) {
    it(`counts ${path} as ${expected}`, () => assert.equal(resourceLabel(path), expected));
  }
});
