import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { TestKubeletApi } from './testing/kubelet-api.ts';

describe('who may do what', () => {
  let kubelet: TestKubeletApi;
  const clock = new FakeClock(Date.now());
  before(async () => {
    kubelet = await TestKubeletApi.start({ clock });
  });
  after(() => kubelet.stop());

  /** The rights that were asked for, as `verb nodes/subresource`. */
  async function asked(method: string, path: string): Promise<string[]> {
    const as = await kubelet.authority.issue({ user: `user-${kubelet.api.accessReviews.length}` });
    kubelet.api.allows = () => false;
    const before = kubelet.api.accessReviews.length;
    const answer = await kubelet.get(path, { method, as });
    kubelet.api.allows = () => true;
    assert.equal(answer.status, 403, answer.text);
    return kubelet.api.accessReviews
      .slice(before)
      .map(({ resourceAttributes: { verb, resource, subresource, name } }) => {
        assert.equal(name, 'node-1');
        return `${verb} ${resource}/${subresource}`;
      });
  }

  const table: readonly [method: string, path: string, rights: readonly string[]][] = [
    ['GET', '/pods', ['get nodes/pods', 'get nodes/proxy']],
    ['GET', '/runningpods/', ['get nodes/pods', 'get nodes/proxy']],
    ['GET', '/healthz', ['get nodes/healthz', 'get nodes/proxy']],
    ['GET', '/configz', ['get nodes/configz', 'get nodes/proxy']],
    ['GET', '/logs/kubelet.log', ['get nodes/log']],
    ['GET', '/stats/summary', ['get nodes/stats']],
    ['GET', '/metrics/cadvisor', ['get nodes/metrics']],
    ['POST', '/run/default/web/app', ['create nodes/proxy']],
    ['POST', '/exec/default/web/app', ['create nodes/proxy']],
    ['GET', '/exec/default/web/app', ['get nodes/proxy']],
    ['POST', '/checkpoint/default/web/app', ['create nodes/checkpoint']],
    ['GET', '/debug/pprof/heap', ['get nodes/proxy']],
    ['GET', '/healthz/syncloop', ['get nodes/healthz', 'get nodes/proxy']],
    ['GET', '/containerLogs/default/web/app', ['get nodes/proxy']],
    ['POST', '/containerLogs/default/web/app', ['create nodes/proxy']],
    ['PUT', '/pods', ['update nodes/pods', 'update nodes/proxy']],
    ['PATCH', '/nowhere', ['patch nodes/proxy']],
    ['DELETE', '/nowhere', ['delete nodes/proxy']],
    ['OPTIONS', '/nowhere', [' nodes/proxy']],
  ];
  for (const [method, path, rights] of table) {
    test(`${method} ${path} asks for ${rights.join(', then ')}`, async () => {
      assert.deepEqual(await asked(method, path), rights);
    });
  }

  test('a refusal says in kubelet’s words who lacks which right', async () => {
    const as = await kubelet.authority.issue({ user: 'eve' });
    kubelet.api.allows = () => false;
    const answer = await kubelet.get('/pods', { as });
    kubelet.api.allows = () => true;
    assert.equal(answer.text, 'Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[pods proxy])');
  });

  test('the fine right alone is enough, and so is the coarse one alone', async () => {
    for (const right of ['pods', 'proxy']) {
      const as = await kubelet.authority.issue({ user: `only-${right}` });
      kubelet.api.allows = ({ resourceAttributes }) => resourceAttributes.subresource === right;
      assert.equal((await kubelet.get('/pods', { as })).status, 200);
    }
    kubelet.api.allows = () => true;
  });

  test('a right is kept for five minutes, its lack for thirty seconds', async () => {
    const as = await kubelet.authority.issue({ user: 'carol' });
    const status = async (): Promise<number> => (await kubelet.get('/containerLogs/default/none/app', { as })).status;
    kubelet.api.allows = () => false;
    assert.equal(await status(), 403);
    kubelet.api.allows = () => true;
    await clock.advance(29_000);
    assert.equal(await status(), 403);
    await clock.advance(2000);
    assert.equal(await status(), 404);
    kubelet.api.allows = () => false;
    await clock.advance(299_000);
    assert.equal(await status(), 404);
    await clock.advance(2000);
    assert.equal(await status(), 403);
    kubelet.api.allows = () => true;
  });

  test('while the API server is away nothing is allowed', async () => {
    const as = await kubelet.authority.issue({ user: 'dave' });
    kubelet.api.failure = new Error('connection refused');
    const answer = await kubelet.get('/pods', { as });
    kubelet.api.failure = undefined;
    assert.equal(answer.status, 503);
  });
});
