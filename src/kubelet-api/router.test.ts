import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { matchRoute, type Route } from './router.ts';

const route = (path: string, method: 'GET' | 'POST' = 'GET'): Route => ({
  methods: [method],
  path,
  subresources: ['proxy'],
  handle: async () => {},
});
const table = [
  route('/pods'),
  route('/containerLogs/:namespace/:pod/:container'),
  route('/exec/:namespace/:pod', 'POST'),
  route('/logs/*'),
];

describe('a request target', () => {
  test('finds its route with decoded parameters and the query', () => {
    const match = matchRoute(table, 'GET', '/containerLogs/kube-system/web%2D1.x/app?tailLines=5&x=a%20b');
    assert.ok(match.kind === 'found');
    assert.equal(match.route, table[1]);
    assert.deepEqual(match.parameters, { namespace: 'kube-system', pod: 'web-1.x', container: 'app' });
    assert.equal(match.query.get('x'), 'a b');
  });

  for (const target of ['/pods', '/pods/', '/pods?verbose', '/pods/?']) {
    test(`${target} is the list of pods`, () => assert.equal(matchRoute(table, 'GET', target).kind, 'found'));
  }

  for (const target of [
    '/',
    '//',
    '/pods//',
    '//pods',
    '/pods/..',
    '/x/../pods',
    '/PODS',
    '/containerLogs/a/b',
    '/logsx',
    '/x/logs/y',
  ]) {
    test(`${target} leads nowhere`, () => assert.equal(matchRoute(table, 'GET', target).kind, 'not-found'));
  }

  for (const target of ['/logs', '/logs/', '/logs/a', '/logs/a/b?query=kubelet', '/logs/../x', '/logs/%2e%2e%2fx']) {
    test(`${target} is below /logs/`, () => {
      const match = matchRoute(table, 'GET', target);
      assert.ok(match.kind === 'found' && match.route === table[3]);
    });
  }

  test('knows a path by another method', () => {
    assert.equal(matchRoute(table, 'POST', '/pods').kind, 'wrong-method');
    assert.equal(matchRoute(table, 'GET', '/exec/default/web').kind, 'wrong-method');
  });

  const illegal = [
    '/containerLogs/default/web/..',
    '/containerLogs/default/../app',
    '/containerLogs/default/%2e%2e/app',
    '/containerLogs/%2e%2e%2fetc/web/app',
    '/containerLogs/default/web%2F..%2F..%2Fetc/app',
    '/containerLogs/default/web/app%00',
    '/containerLogs/default/web/app%0a',
    '/containerLogs/default/we..b/app',
    '/containerLogs//web/app',
    '/containerLogs/default/web/',
    '/containerLogs/Default/web/app',
    `/containerLogs/default/web/${'a'.repeat(64)}`,
    '/containerLogs/default/web/%E2%82',
    '/containerLogs/default/web/%zz',
    'https://node/pods',
    '*',
    '',
  ];
  for (const target of illegal) {
    test(`${JSON.stringify(target.slice(0, 60))} is refused or leads nowhere`, () => {
      try {
        assert.equal(matchRoute(table, 'GET', target).kind, 'not-found');
      } catch (error) {
        assert.ok(hasCode(error, 'InvalidInput'), String(error));
      }
    });
  }
});
