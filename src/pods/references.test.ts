import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  configMaps,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  secrets,
  serviceAccounts,
  services,
} from '../apiserver/client.ts';
import { Store } from '../apiserver/store.ts';
import { connectClient, startServer } from '../apiserver/testing/test-client.ts';
import type { Pod, Service } from '../kubernetes/objects.ts';
import { hasCode } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { ClusterReferences } from './references.ts';

const { signal } = new AbortController();
const accounts = { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true };
const pod: Pod = {
  metadata: { namespace: 'ns', name: 'web', uid: 'uid-1' },
  spec: { serviceAccountName: 'robot', containers: [] },
};

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = await startServer(t, { clock });
  const client = await connectClient(t, server);
  const store = new Store<Service>();
  return { clock, server, store, references: new ClusterReferences({ client, services: store, clock }) };
}

describe('secrets and config maps', () => {
  it('are read by name, once for all who ask at the same time and in the next minute', async (t) => {
    const { clock, server, references } = await setUp(t);
    server.put(secrets, { metadata: { namespace: 'ns', name: 's' }, data: { key: 'dmFsdWU=' } });
    const answers = await Promise.all([1, 2, 3].map(() => references.secret('ns', 's', { signal })));
    assert.deepEqual(
      answers.map((secret) => secret?.data?.['key']),
      ['dmFsdWU=', 'dmFsdWU=', 'dmFsdWU='],
    );
    await clock.advance(59_000);
    await references.secret('ns', 's', { signal });
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/api/v1/namespaces/ns/secrets/s'],
    );
    server.patch(secrets, { namespace: 'ns', name: 's' }, { data: { key: 'bmV3' } });
    await clock.advance(1000);
    assert.equal((await references.secret('ns', 's', { signal }))?.data?.['key'], 'bmV3');
  });

  it('that are missing are undefined, and looked for again after 5 s', async (t) => {
    const { clock, server, references } = await setUp(t);
    assert.equal(await references.configMap('ns', 'c', { signal }), undefined);
    server.put(configMaps, { metadata: { namespace: 'ns', name: 'c' }, data: { a: 'b' } });
    await clock.advance(4000);
    assert.equal(await references.configMap('ns', 'c', { signal }), undefined);
    await clock.advance(1000);
    assert.equal((await references.configMap('ns', 'c', { signal }))?.data?.['a'], 'b');
  });

  it('of which nothing can be known are an error that may pass, not a missing object', async (t) => {
    const { server, references } = await setUp(t);
    server.put(secrets, { metadata: { namespace: 'ns', name: 's' } });
    server.fail({ fault: { kind: 'status', code: 403 } });
    await assert.rejects(references.secret('ns', 's', { signal }), (error) => hasCode(error, 'Forbidden'));
    assert.ok(await references.secret('ns', 's', { signal }));
  });

  it('are still read for the others where one who asked leaves', async (t) => {
    const { server, references } = await setUp(t);
    server.put(secrets, { metadata: { namespace: 'ns', name: 's' } });
    const leaving = new AbortController();
    const [left, stayed] = [
      references.secret('ns', 's', { signal: leaving.signal }),
      references.secret('ns', 's', { signal }),
    ];
    leaving.abort(new Error('left'));
    await assert.rejects(left, /left/);
    assert.ok(await stayed);
    assert.equal(server.requests.length, 1);
  });
});

it("a pod sees the services of its namespace, and the API server's", async (t) => {
  const { store, references } = await setUp(t);
  for (const [namespace, name] of [
    ['ns', 'own'],
    ['other', 'foreign'],
    ['default', 'kubernetes'],
    ['default', 'neighbour'],
  ] as const) {
    store.put({ metadata: { namespace, name } });
  }
  const names = (namespace: string) => references.services(namespace).map(({ metadata }) => metadata?.name);
  assert.deepEqual(names('ns'), ['own', 'kubernetes']);
  assert.deepEqual(names('default').sort(), ['kubernetes', 'neighbour']);
  assert.equal(services.plural, 'services');
});

describe('service account tokens', () => {
  const request = { audience: '', expirationSeconds: 3600 };

  it('are bound to the pod and kept until 80 % of their life is over', async (t) => {
    const { clock, server, references } = await setUp(t);
    server.put(accounts, { metadata: { namespace: 'ns', name: 'robot' } });
    const first = await references.serviceAccountToken(pod, request, { signal });
    assert.equal(first.expiresAtMs, clock.now() + 3_600_000);
    assert.deepEqual((server.requests[0]?.body as { spec: object } | undefined)?.spec, {
      audiences: [],
      expirationSeconds: 3600,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-1' },
    });
    await clock.advance(3600 * 800 - 1000);
    assert.equal((await references.serviceAccountToken(pod, request, { signal })).token, first.token);
    await clock.advance(1000);
    assert.notEqual((await references.serviceAccountToken(pod, request, { signal })).token, first.token);
  });

  it('are one for each pod and audience', async (t) => {
    const { server, references } = await setUp(t);
    server.put(accounts, { metadata: { namespace: 'ns', name: 'robot' } });
    const other: Pod = { ...pod, metadata: { ...pod.metadata, uid: 'uid-2' } };
    const tokens = [
      await references.serviceAccountToken(pod, request, { signal }),
      await references.serviceAccountToken(pod, { ...request, audience: 'vault' }, { signal }),
      await references.serviceAccountToken(other, request, { signal }),
    ];
    assert.equal(new Set(tokens.map(({ token }) => token)).size, 3);
  });

  it('that cannot be renewed serve as long as they live', async (t) => {
    const { clock, server, references } = await setUp(t);
    server.put(accounts, { metadata: { namespace: 'ns', name: 'robot' } });
    const first = await references.serviceAccountToken(pod, request, { signal });
    server.remove(accounts, { namespace: 'ns', name: 'robot' });
    await clock.advance(3_599_000);
    assert.equal((await references.serviceAccountToken(pod, request, { signal })).token, first.token);
    await clock.advance(1000);
    await assert.rejects(references.serviceAccountToken(pod, request, { signal }), (error) =>
      hasCode(error, 'NotFound'),
    );
  });
});

describe('what else a pod refers to', () => {
  it('is its service account, its namespace and the volumes that its claims are bound to', async (t) => {
    const { server, references } = await setUp(t);
    server.put(serviceAccounts, { metadata: { namespace: 'ns', name: 'robot', annotations: { a: 'b' } } });
    server.put(namespaces, { metadata: { name: 'ns', annotations: { c: 'd' } } });
    server.put(persistentVolumes, { metadata: { name: 'pv-1' }, spec: { csi: { driver: 'd', volumeHandle: 'h' } } });
    server.put(persistentVolumeClaims, {
      metadata: { namespace: 'ns', name: 'data' },
      spec: { volumeName: 'pv-1' },
      status: { phase: 'Bound' },
    });
    server.put(persistentVolumeClaims, { metadata: { namespace: 'ns', name: 'new' }, status: { phase: 'Pending' } });
    assert.equal((await references.serviceAccount('ns', 'robot', { signal }))?.metadata?.annotations?.['a'], 'b');
    assert.equal((await references.namespace('ns', { signal }))?.metadata?.annotations?.['c'], 'd');
    assert.equal((await references.persistentVolume('ns', 'data', { signal }))?.spec?.csi?.volumeHandle, 'h');
    assert.equal(await references.persistentVolume('ns', 'new', { signal }), undefined);
    assert.equal(await references.persistentVolume('ns', 'none', { signal }), undefined);
    assert.equal(await references.serviceAccount('ns', 'nobody', { signal }), undefined);
  });
});
