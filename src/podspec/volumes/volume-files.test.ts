import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec, Volume } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { type FakeCluster, fakeReferences } from '../testing/fake-references.ts';
import { filePath } from './file-path.ts';
import { volumeFiles } from './volume-files.ts';

const signal = new AbortController().signal;
const cluster: FakeCluster = {
  configMaps: { conf: { 'a.txt': 'ä', 'b.txt': 'b' }, 'kube-root-ca.crt': { 'ca.crt': 'CA' } },
  secrets: { keys: { user: 'root', password: 's3cret' } },
  tokensExpireAtMs: 5_000,
};

function pod(spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: {
      namespace: 'shop',
      name: 'web-1',
      uid: 'u',
      labels: { b: '2', a: 'x "y"\n' },
      annotations: { z: 'ü\t' },
    },
    spec: { containers: [{ name: 'web', image: 'x' }], ...spec },
  };
}

/** `path mode contents`, a line each. */
async function listing(volume: Partial<Volume>, subject = pod()): Promise<string[] | undefined> {
  const input = { pod: subject, references: fakeReferences(cluster), nodeAllocatable: { memory: '2Gi' } };
  const volumes = await volumeFiles({ name: 'v', ...volume }, input, { signal });
  return volumes?.files.map(({ path, mode, contents, ownerUid }) =>
    [
      path,
      mode.toString(8),
      Buffer.from(contents).toString(),
      ...(ownerUid === undefined ? [] : [`of ${ownerUid}`]),
    ].join(' '),
  );
}

const cases: Record<string, readonly [Partial<Volume>, readonly string[] | undefined]> = {
  'every key of a ConfigMap is a file': [{ configMap: { name: 'conf' } }, ['a.txt 644 ä', 'b.txt 644 b']],
  'only the named keys, where they are named': [
    {
      configMap: {
        name: 'conf',
        defaultMode: 0o600,
        items: [
          { key: 'b.txt', path: 'sub/./b' },
          { key: 'a.txt', path: 'a', mode: 0o444 },
        ],
      },
    },
    ['sub/b 600 b', 'a 444 ä'],
  ],
  'a secret is decoded': [
    { secret: { secretName: 'keys', defaultMode: 0o400 } },
    ['user 400 root', 'password 400 s3cret'],
  ],
  'an optional ConfigMap that is missing is an empty volume': [{ configMap: { name: 'none', optional: true } }, []],
  'an optional key that is missing is left out': [
    { secret: { secretName: 'keys', optional: true, items: [{ key: 'none', path: 'x' }] } },
    [],
  ],
  'labels and annotations are lists of quoted values': [
    {
      downwardAPI: {
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
          { path: 'memory', resourceFieldRef: { containerName: 'web', resource: 'limits.memory', divisor: '1Gi' } },
        ],
      },
    },
    ['labels 644 a="x \\"y\\"\\n"\nb="2"', 'annotations 644 z="ü\\t"', 'memory 644 2'],
  ],
  'a projected volume gathers its sources, the last one wins': [
    {
      projected: {
        defaultMode: 0o440,
        sources: [
          { secret: { name: 'keys', items: [{ key: 'user', path: 'same' }] } },
          { configMap: { name: 'conf', items: [{ key: 'b.txt', path: './same', mode: 0o600 }] } },
          { downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          { serviceAccountToken: { path: 'vault', audience: 'vault', expirationSeconds: 600 } },
        ],
      },
    },
    ['same 600 b', 'ns 440 shop', 'vault 440 token for vault, 600 s'],
  ],
  'a volume of another kind is not of files': [{ emptyDir: {} }, undefined],
};

test('a volume holds what its source says', async (t) => {
  for (const [name, [volume, expected]] of Object.entries(cases)) {
    await t.test(name, async () => assert.deepEqual(await listing(volume), expected));
  }
});

const token: Partial<Volume> = {
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ],
  },
};

test('a token is for its owner alone where the pod’s files have an owner', async (t) => {
  const text = 'token for the API server, 3600 s';
  const root = { name: 'a', image: 'x', securityContext: { runAsUser: 0 } };
  const owners: Record<string, readonly [Partial<PodSpec>, string]> = {
    'nobody in particular': [{}, `token 644 ${text}`],
    'a group': [{ securityContext: { fsGroup: 7 } }, `token 600 ${text}`],
    'one user': [{ securityContext: { runAsUser: 1000 } }, `token 600 ${text} of 1000`],
    'two users': [
      { securityContext: { runAsUser: 1000 }, containers: [root, { name: 'b', image: 'x' }] },
      `token 644 ${text}`,
    ],
  };
  for (const [name, [spec, expected]] of Object.entries(owners)) {
    await t.test(name, async () => assert.deepEqual(await listing(token, pod(spec)), [expected, 'ca.crt 644 CA']));
  }
});

test('a volume with a token says when that expires', async () => {
  const input = { pod: pod(), references: fakeReferences(cluster) };
  assert.equal((await volumeFiles({ name: 'v', ...token }, input, { signal }))?.expiresAtMs, 5_000);
  assert.equal(
    (await volumeFiles({ name: 'v', secret: { secretName: 'keys' } }, input, { signal }))?.expiresAtMs,
    undefined,
  );
});

const failing: readonly (readonly [Partial<Volume>, string, string])[] = [
  [{ secret: { secretName: 'none' } }, 'NotFound', 'secret "none" not found'],
  [{ configMap: { name: 'none' } }, 'NotFound', 'configmap "none" not found'],
  [
    { configMap: { name: 'conf', items: [{ key: 'none', path: 'x' }] } },
    'NotFound',
    'configmap references non-existent config key: none',
  ],
  [
    { projected: { sources: [{ secret: { name: 'keys', items: [{ key: 'none', path: 'x' }] } }] } },
    'NotFound',
    'references non-existent secret key: none',
  ],
  [
    { configMap: { name: 'conf', items: [{ key: 'a.txt', path: '../../etc/passwd' }] } },
    'InvalidInput',
    "invalid path: must not contain '..': ../../etc/passwd",
  ],
  [
    { projected: { sources: [{ clusterTrustBundle: { name: 'a', path: 'ca' } }] } },
    'NotImplemented',
    'projected source clusterTrustBundle is not supported',
  ],
];

test('a volume that cannot be filled says why', async (t) => {
  for (const [volume, code, message] of failing) {
    await t.test(message, async () => {
      await assert.rejects(listing(volume), (error) => {
        assert.ok(error instanceof CodedError);
        assert.deepEqual([error.code, error.reason, error.message], [code, 'FailedMount', message]);
        return true;
      });
    });
  }
});

test('a file stays within its volume', () => {
  assert.equal(filePath('a/./b//c..d'), 'a/b/c..d');
  for (const path of ['', '/a', '..', 'a/../b', 'a/..', '..data', '...', 'a'.repeat(256), 'a/'.repeat(2100)]) {
    assert.throws(() => filePath(path), CodedError, path.slice(0, 20));
  }
});
