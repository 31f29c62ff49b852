import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import type { ObservedCall } from './api-client.ts';
import { nodes, pods } from './client.ts';
import { connectClient, startServer } from './testing/test-client.ts';

const pod = (name: string) => ({
  metadata: { namespace: 'default', name },
  spec: { nodeName: 'vk', containers: [] },
});
const key = (name: string) => ({ namespace: 'default', name });

describe('KubernetesApiClient', () => {
  it('creates, reads, lists, patches, updates and deletes', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    const created = await client.create(pods, pod('a'));
    assert.equal(created.metadata?.name, 'a');
    assert.equal((await client.get(pods, key('a'))).metadata?.uid, created.metadata?.uid);
    await client.patch(pods, key('a'), { status: { phase: 'Running' } }, { type: 'strategic', subresource: 'status' });
    await client.patch(pods, key('a'), { metadata: { labels: { app: 'web' } } }, { type: 'merge' });
    await client.patch(pods, key('a'), [{ op: 'add', path: '/metadata/labels/x', value: 'y' }], { type: 'json' });
    const { items } = await client.list(pods, { labelSelector: 'app=web', fieldSelector: 'spec.nodeName=vk' });
    assert.equal(items[0]?.status?.phase, 'Running');
    assert.deepEqual(items[0]?.metadata?.labels, { app: 'web', x: 'y' });
    assert.deepEqual([items[0]?.kind, items[0]?.apiVersion], ['Pod', 'v1']);
    await client.create(nodes, { metadata: { name: 'vk' } });
    const node = await client.get(nodes, { name: 'vk' });
    await client.update(nodes, { ...node, metadata: { ...node.metadata, labels: { a: 'b' } } });
    assert.deepEqual(server.find(nodes, { name: 'vk' })?.metadata?.labels, { a: 'b' });
    await client.delete(pods, key('a'), { gracePeriodSeconds: 0, uid: created.metadata?.uid ?? '' });
    assert.deepEqual(server.list(pods), []);
    assert.ok(server.requests.every(({ headers }) => headers['user-agent'] === 'virtual-kubelet/test'));
  });

  it('answers a patch for another object of the same name, or for another version, with Conflict', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    server.put(pods, pod('a'));
    for (const metadata of [{ uid: 'other' }, { resourceVersion: '1' }]) {
      for (const type of ['merge', 'strategic'] as const) {
        const patch = client.patch(pods, key('a'), { metadata, status: {} }, { type, subresource: 'status' });
        await assert.rejects(patch, (error) => hasCode(error, 'Conflict'));
      }
    }
    await assert.rejects(client.delete(pods, key('a'), { uid: 'other' }), (error) => hasCode(error, 'Conflict'));
  });

  it('posts to subresources', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    const accounts = { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true };
    server.put(accounts, { metadata: { namespace: 'default', name: 'web' } });
    const path = '/api/v1/namespaces/default/serviceaccounts/web/token';
    const answer = await client.post<{ status: { token: string } }>(path, { spec: { expirationSeconds: 600 } });
    assert.equal(answer.status.token, 'fake-token-1');
  });

  it('lists in pages', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    for (const name of ['a', 'b', 'c']) server.put(pods, pod(name));
    const first = await client.list(pods, { limit: 2 });
    const second = await client.list(pods, { limit: 2, continueToken: first.metadata.continue ?? '' });
    assert.deepEqual([first.items.length, second.items.length, second.metadata.continue], [2, 1, undefined]);
  });

  for (const [code, reason, expected] of [
    [400, undefined, 'InvalidInput'],
    [401, undefined, 'Unauthorized'],
    [403, undefined, 'Forbidden'],
    [404, undefined, 'NotFound'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [409, 'Conflict', 'Conflict'],
    [410, undefined, 'Gone'],
    [422, undefined, 'InvalidInput'],
    [429, undefined, 'Throttled'],
    [500, undefined, 'Unavailable'],
    [503, undefined, 'Unavailable'],
    [504, undefined, 'Timeout'],
  ] as const) {
    it(`reads ${code} ${reason ?? ''} as ${expected}, with the API server's message`, async (t) => {
      const server = await startServer(t);
      const client = await connectClient(t, server);
      server.fail({ fault: { kind: 'status', code, ...(reason ? { reason } : {}) }, times: 2 });
      await assert.rejects(client.get(pods, key('a')), (error) => {
        assert.ok(hasCode(error, expected), `${error}`);
        assert.match(error.message, /on purpose/);
        return true;
      });
    });
  }

  it('waits as long as Retry-After asks and tries again, also what is not idempotent', async (t) => {
    const clock = new FakeClock();
    const server = await startServer(t);
    const client = await connectClient(t, server, { clock });
    server.fail({ fault: { kind: 'status', code: 429, retryAfterSeconds: 4 }, times: 2 });
    let isDone = false;
    const created = client.create(pods, pod('a')).then(() => {
      isDone = true;
    });
    const startMs = clock.now();
    while (!isDone) {
      if (clock.pending > 1) await clock.advance(100);
      else await clock.advance(0);
    }
    await created;
    const tookMs = clock.now() - startMs;
    assert.ok(tookMs >= 8000 && tookMs <= 12_300, `${tookMs}`);
  });

  it('gives up at once where Retry-After ends past the deadline, and says how long to wait', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    server.fail({ fault: { kind: 'status', code: 429, retryAfterSeconds: 100 } });
    await assert.rejects(
      client.get(pods, key('a')),
      (error) => hasCode(error, 'Throttled') && error.retryAfterMs === 100_000,
    );
    assert.equal(server.requests.length, 1);
  });

  it('tries an idempotent call again when the connection is cut, once', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    server.put(pods, pod('a'));
    server.fail({ fault: { kind: 'cut', when: 'before' } });
    await client.get(pods, key('a'));
    server.fail({ fault: { kind: 'cut', when: 'after' } });
    await client.patch(pods, key('a'), { metadata: { labels: { a: 'b' } } }, { type: 'merge' });
    server.fail({ fault: { kind: 'cut', when: 'before' }, times: 2 });
    await assert.rejects(client.get(pods, key('a')), (error) => hasCode(error, 'Unavailable'));
  });

  it('does not repeat a cut creation', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    server.fail({ fault: { kind: 'cut', when: 'after' } });
    await assert.rejects(client.create(pods, pod('a')), (error) => hasCode(error, 'Unavailable'));
    assert.equal(server.requests.length, 1);
  });

  it('names the address of an API server that is not there', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    await server.close();
    await assert.rejects(client.get(pods, key('a')), (error) => {
      assert.ok(hasCode(error, 'Unavailable'));
      assert.match(error.message, /cannot reach the API server at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
      return true;
    });
  });

  it('ends a call without an answer at its deadline, and distrusts the other connections too', async (t) => {
    const clock = new FakeClock();
    const server = await startServer(t);
    const client = await connectClient(t, server, { clock });
    server.put(pods, pod('a'));
    await Promise.all(Array.from({ length: 10 }, () => client.get(pods, key('a'))));
    server.freezeOpenConnections();
    const call = client.get(pods, key('a'), { timeoutMs: 5000 });
    const failed = assert.rejects(call, (error) => hasCode(error, 'Timeout'));
    while (server.requests.length < 11) await clock.advance(0);
    await clock.advance(5000);
    await failed;
    assert.equal((await client.get(pods, key('a'))).metadata?.name, 'a');
  });

  it("ends a call with the caller's reason when the signal aborts", async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    const stop = new AbortController();
    server.fail({ fault: { kind: 'hang' } });
    const call = client.get(pods, key('a'), { signal: stop.signal });
    const failed = assert.rejects(call, (error) => error === stop.signal.reason);
    stop.abort(new Error('enough'));
    await failed;
  });

  it('tells each request to its observer', async (t) => {
    const seen: ObservedCall[] = [];
    const server = await startServer(t);
    const client = await connectClient(t, server, { observe: (call) => seen.push(call) });
    await client.create(pods, pod('a'));
    await client.patch(pods, key('a'), { status: {} }, { type: 'merge', subresource: 'status' });
    await client.delete(pods, key('b')).catch(() => {});
    server.fail({ fault: { kind: 'cut', when: 'before' }, times: 2 });
    await client.list(pods).catch(() => {});
    assert.deepEqual(
      seen.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`),
      ['create pods 201', 'patch pods/status 200', 'delete pods 404', 'list pods error', 'list pods error'],
    );
  });

  it('keeps its connections alive and opens no more than it needs', async (t) => {
    const server = await startServer(t);
    const client = await connectClient(t, server);
    for (let index = 0; index < 20; index++) await client.list(pods);
    assert.ok(server.openConnections <= 2);
    await Promise.all(Array.from({ length: 200 }, () => client.list(pods)));
    assert.ok(server.openConnections <= 64);
  });
});
