import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { nodes, pods } from '../client.ts';
import { FakeApiServer, type FakeApiServerOptions } from './fake-api-server.ts';

interface Answer {
  readonly code: number;
  readonly body: {
    readonly reason?: string;
    readonly items?: readonly { metadata: { name: string } }[];
    readonly metadata: Record<string, unknown>;
    readonly [field: string]: unknown;
  };
}

async function start(t: TestContext, options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(options);
  t.after(() => server.close());
  return server;
}

const podsPath = '/api/v1/namespaces/default/pods';

async function call(server: FakeApiServer, method: string, path: string, body?: unknown, type = 'application/json') {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': type } }),
  });
  return { code: response.status, body: await response.json() } as Answer;
}

const pod = (name: string, nodeName = 'vk') => ({
  metadata: { namespace: 'default', name },
  spec: { nodeName, containers: [] },
});

/** Reads a watch until `count` lines have come. */
async function watch(server: FakeApiServer, query: string, count: number): Promise<{ type: string; name: string }[]> {
  const response = await fetch(`${server.url}${podsPath}?watch=1&${query}`);
  const lines: { type: string; name: string }[] = [];
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const { type, object } = JSON.parse(text.slice(0, end));
      lines.push({ type, name: object.metadata?.name ?? object.reason ?? '' });
      text = text.slice(end + 1);
    }
    if (lines.length >= count) break;
  }
  return lines;
}

describe('FakeApiServer', () => {
  it('creates once, gives identity, and answers 409 and 404', async (t) => {
    const server = await start(t);
    const created = await call(server, 'POST', podsPath, pod('a'));
    assert.equal(created.code, 201);
    assert.ok(created.body.metadata['uid'] && created.body.metadata['resourceVersion']);
    assert.deepEqual(created.body['status'], { phase: 'Pending' });
    const again = await call(server, 'POST', podsPath, pod('a'));
    assert.deepEqual([again.code, again.body.reason], [409, 'AlreadyExists']);
    const missing = await call(server, 'GET', `${podsPath}/b`);
    assert.deepEqual([missing.code, missing.body['message']], [404, 'pods "b" not found']);
  });

  it('lists in pages of one version, with selectors', async (t) => {
    const server = await start(t);
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(pods, pod(name, name === 'c' ? 'other' : 'vk'));
    const names: string[] = [];
    let token = '';
    do {
      const path = `/api/v1/pods?limit=2&fieldSelector=spec.nodeName%3Dvk&continue=${token}`;
      const { body } = await call(server, 'GET', path);
      names.push(...(body.items ?? []).map(({ metadata }) => metadata.name));
      token = String(body.metadata['continue'] ?? '');
      server.put(pods, pod('late'));
    } while (token);
    assert.deepEqual(names, ['a', 'b', 'd', 'e']);
    server.compact();
    assert.equal((await call(server, 'GET', '/api/v1/pods?continue=page-1:2')).code, 410);
  });

  it('keeps spec and status apart, merges conditions by type, and refuses a stale version or another UID', async (t) => {
    const server = await start(t);
    const { metadata } = server.put(pods, {
      ...pod('a'),
      status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    const strategic = 'application/strategic-merge-patch+json';
    const patch = { spec: { nodeName: 'x' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    await call(server, 'PATCH', `${podsPath}/a/status`, patch, strategic);
    const found = server.find(pods, { namespace: 'default', name: 'a' });
    assert.equal(found?.spec?.nodeName, 'vk');
    assert.deepEqual(
      found?.status?.conditions?.map(({ type }) => type),
      ['PodScheduled', 'Ready'],
    );
    for (const [stale, expected] of [
      [{ uid: 'other' }, 422],
      [{ resourceVersion: metadata?.resourceVersion }, 409],
    ] as const) {
      const { code } = await call(server, 'PATCH', `${podsPath}/a/status`, { metadata: stale }, strategic);
      assert.equal(code, expected);
    }
    const json = [{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }];
    await call(server, 'PATCH', `${podsPath}/a`, json, 'application/json-patch+json');
    assert.deepEqual(server.find(pods, { namespace: 'default', name: 'a' })?.metadata?.labels, { a: 'b' });
  });

  it('lets a bound pod end gracefully and removes every other object at once', async (t) => {
    const clock = new FakeClock();
    const server = await start(t, { clock });
    server.put(pods, pod('bound'));
    server.put(pods, pod('unbound', ''));
    server.put(pods, { ...pod('ended'), status: { phase: 'Succeeded' } });
    server.put(nodes, { metadata: { name: 'vk' } });
    for (const name of ['bound', 'unbound', 'ended']) await call(server, 'DELETE', `${podsPath}/${name}`);
    await call(server, 'DELETE', '/api/v1/nodes/vk');
    assert.deepEqual(server.list(nodes), []);
    const [left, ...others] = server.list(pods);
    assert.deepEqual(others, []);
    assert.equal(left?.metadata?.deletionGracePeriodSeconds, 30);
    assert.equal(left?.metadata?.deletionTimestamp, '2026-01-01T00:00:30Z');
    await call(server, 'DELETE', `${podsPath}/bound`, { gracePeriodSeconds: 5 });
    assert.equal(server.list(pods)[0]?.metadata?.deletionGracePeriodSeconds, 5);
    const wrong = await call(server, 'DELETE', `${podsPath}/bound`, {
      gracePeriodSeconds: 0,
      preconditions: { uid: 'x' },
    });
    assert.equal(wrong.code, 409);
    await call(server, 'DELETE', `${podsPath}/bound`, { gracePeriodSeconds: 0 });
    assert.deepEqual(server.list(pods), []);
  });

  it('watches from a version, telling what begins and ceases to match a selector', async (t) => {
    const server = await start(t);
    const first = server.put(pods, pod('a'));
    server.put(pods, pod('b', ''));
    server.patch(pods, { namespace: 'default', name: 'b' }, { spec: { nodeName: 'vk' } });
    server.patch(pods, { namespace: 'default', name: 'a' }, { spec: { nodeName: 'other' } });
    const query = `resourceVersion=${first.metadata?.resourceVersion}&fieldSelector=spec.nodeName%3Dvk`;
    assert.deepEqual(await watch(server, query, 2), [
      { type: 'ADDED', name: 'b' },
      { type: 'DELETED', name: 'a' },
    ]);
    server.compact();
    assert.deepEqual(await watch(server, query, 1), [{ type: 'ERROR', name: 'Expired' }]);
  });

  it('does wrong what it is told to', async (t) => {
    const server = await start(t);
    server.fail({
      fault: { kind: 'status', code: 429, retryAfterSeconds: 3 },
      matches: ({ method }) => method === 'GET',
    });
    const throttled = await fetch(`${server.url}${podsPath}`);
    assert.deepEqual([throttled.status, throttled.headers.get('retry-after')], [429, '3']);
    server.fail({ fault: { kind: 'cut', when: 'after' } });
    await assert.rejects(call(server, 'POST', podsPath, pod('a')));
    assert.equal(server.list(pods).length, 1);
    server.acceptedTokens = new Set(['good']);
    assert.equal((await call(server, 'GET', podsPath)).code, 401);
    server.acceptedTokens = undefined;
    server.freeze();
    const answer = call(server, 'GET', podsPath);
    assert.equal(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 50, 'frozen'))]), 'frozen');
    server.thaw();
    assert.equal((await answer).code, 200);
  });
});
