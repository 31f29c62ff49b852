import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../kubernetes/objects.ts';
import { hasCode } from '../../support/errors.ts';
import { imagePullCredentials } from './pull-credentials.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function dockerConfigJson(...locations: string[]): Secret {
  const auths = Object.fromEntries(locations.map((each) => [each, { username: each, password: 'p' }]));
  return {
    metadata: { name: 'pull' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
  };
}

const cases: readonly (readonly [image: string, locations: readonly string[], found: readonly string[]])[] = [
  ['quay.io/team/app:1', ['quay.io'], ['quay.io']],
  ['quay.io/team/app:1', ['https://quay.io/v2/'], ['https://quay.io/v2/']],
  ['quay.io/team/app:1', ['quay.io', 'quay.io/team', 'quay.io/other'], ['quay.io/team', 'quay.io']],
  ['quay.io/team/app:1', ['gcr.io', 'io', 'a.quay.io'], []],
  ['a.example.com/app', ['*.example.com'], ['*.example.com']],
  ['a.b.example.com/app', ['*.example.com'], []],
  ['eu-registry.example.com/app', ['*-registry.example.*'], ['*-registry.example.*']],
  ['localhost:5000/app', ['localhost'], []],
  ['localhost:5000/app', ['http://localhost:5000'], ['http://localhost:5000']],
  ['nginx', ['https://index.docker.io/v1/'], ['https://index.docker.io/v1/']],
  ['nginx', ['docker.io', 'index.docker.io'], ['docker.io']],
  ['user/app', ['docker.io/user', 'docker.io/other'], ['docker.io/user']],
  ['quay.io/app', ['https://index.docker.io/v1/'], []],
];

test('credentials are chosen by host, port and path', async (t) => {
  for (const [image, locations, found] of cases) {
    await t.test(`${image} with ${locations.join(', ')}`, () => {
      const credentials = imagePullCredentials([dockerConfigJson(...locations)], image);
      assert.deepEqual(
        credentials.map(({ username }) => username),
        found,
      );
    });
  }
});

test('the older form of secret is read too, and others are passed over', () => {
  const dockercfg: Secret = {
    type: 'kubernetes.io/dockercfg',
    data: { '.dockercfg': base64(JSON.stringify({ 'quay.io': { auth: base64('u:p:w') } })) },
  };
  const opaque: Secret = { ...dockercfg, type: 'Opaque' };
  assert.deepEqual(imagePullCredentials([opaque, dockercfg], 'quay.io/a'), [{ username: 'u', password: 'p:w' }]);
});

test('a secret that cannot be read is named, without its contents', () => {
  const broken: Secret = {
    metadata: { name: 'pull' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64('hunter2') },
  };
  assert.throws(
    () => imagePullCredentials([broken], 'nginx'),
    (error) =>
      hasCode(error, 'InvalidInput') &&
      /secret "pull" does not hold/.test(error.message) &&
      !/hunter2/.test(error.message),
  );
});
