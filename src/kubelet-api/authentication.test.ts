import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CodedError } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import type { KeyPair } from './serving-certificate.ts';
import { TestAuthority } from './testing/certificates.ts';
import { TestKubeletApi } from './testing/kubelet-api.ts';

describe('who gets in', () => {
  let kubelet: TestKubeletApi;
  const clock = new FakeClock(Date.now());
  before(async () => {
    kubelet = await TestKubeletApi.start({ clock });
  });
  after(() => kubelet.stop());

  const stranger = async (): Promise<TestAuthority> => TestAuthority.create('another-ca');
  const refused: Readonly<Record<string, () => Promise<KeyPair | 'nobody'>>> = {
    'a caller without a certificate': async () => 'nobody',
    'a certificate of another authority': async () => (await stranger()).issue({ user: 'admin', groups: ['admins'] }),
    'a certificate of an authority that has the same name': async () =>
      (await TestAuthority.create()).issue({ user: 'admin', groups: ['admins'] }),
    'an expired certificate': () => kubelet.authority.issue({ user: 'admin', notBeforeMs: -9000, notAfterMs: -1000 }),
    'a certificate of the future': () => kubelet.authority.issue({ user: 'admin', notBeforeMs: 300_000 }),
    'a certificate made for servers': () => kubelet.authority.issue({ user: 'admin', usage: 'server' }),
    'a certificate that names nobody': () => kubelet.authority.issue({ groups: ['system:masters'] }),
  };
  for (const [who, make] of Object.entries(refused)) {
    test(`${who} is answered 401 and loses the connection`, async () => {
      const answer = await kubelet.get('/healthz', { as: await make() });
      assert.equal(answer.status, 401);
      assert.equal(answer.text, 'Unauthorized');
      assert.equal(answer.headers['connection'], 'close');
    });
  }

  test('a certificate of the client CA is its CN in the groups of its Os, and authenticated', async () => {
    const as = await kubelet.authority.issue({ user: 'alice', groups: ['dev', 'ops'] });
    assert.equal((await kubelet.get('/pods', { as })).status, 200);
    const question = kubelet.api.accessReviews.at(-1);
    assert.equal(question?.user, 'alice');
    assert.deepEqual(question?.groups, ['dev', 'ops', 'system:authenticated']);
    assert.match(question?.extra['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^X509SHA256=[0-9a-f]{64}$/);
  });

  test('a subject whose O imitates a CN stays an O', async () => {
    const as = await kubelet.authority.issue({ user: 'mallory', groups: ['x\nCN=admin', 'y, CN=admin', 'CN=admin'] });
    assert.equal((await kubelet.get('/pods', { as })).status, 200);
    assert.equal(kubelet.api.accessReviews.at(-1)?.user, 'mallory');
  });

  test('a token is its bearer, reviewed once in two minutes', async () => {
    kubelet.api.users.set('good', { username: 'bob', groups: ['readers'] });
    const bearer = { as: 'nobody' as const, headers: { authorization: 'Bearer good' } };
    assert.equal((await kubelet.get('/healthz', bearer)).status, 200);
    await clock.advance(119_000);
    assert.equal((await kubelet.get('/healthz', bearer)).status, 200);
    assert.equal(kubelet.api.accessReviews.at(-1)?.user, 'bob');
    assert.deepEqual(kubelet.api.tokenReviews, ['good']);
    kubelet.api.users.delete('good');
    await clock.advance(2000);
    assert.equal((await kubelet.get('/healthz', bearer)).status, 401);
    assert.deepEqual(kubelet.api.tokenReviews, ['good', 'good']);
  });

  test('a token that the API server refuses is answered 401', async () => {
    const answer = await kubelet.get('/healthz', { as: 'nobody', headers: { authorization: 'Bearer bad' } });
    assert.equal(answer.status, 401);
  });

  for (const authorization of [
    'Basic YWRtaW46',
    'Bearer',
    'Bearer ',
    'good',
    'Bearer a b',
    `Bearer ${'a'.repeat(65_537)}`,
  ]) {
    test(`"${authorization.slice(0, 20)}" (${authorization.length}) is no token`, async () => {
      const before = kubelet.api.tokenReviews.length;
      assert.equal((await kubelet.get('/healthz', { as: 'nobody', headers: { authorization } })).status, 401);
      assert.equal(kubelet.api.tokenReviews.length, before);
    });
  }

  test('while the API server is away a token opens nothing and 503 says why', async () => {
    kubelet.api.failure = new CodedError('Unavailable', 'connection refused');
    const answer = await kubelet.get('/healthz', { as: 'nobody', headers: { authorization: 'Bearer new' } });
    kubelet.api.failure = undefined;
    assert.equal(answer.status, 503);
    assert.match(answer.text, /could not be asked whose token this is: connection refused/);
  });
});
