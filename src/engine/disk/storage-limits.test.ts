import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, Pod } from '../../kubernetes/objects.ts';
import { hasStorageLimits, storageExcess } from './storage-limits.ts';

const container = (name: string, limit?: string): Container => ({
  name,
  ...(limit !== undefined && { resources: { limits: { 'ephemeral-storage': limit } } }),
});
const pod = (containers: readonly Container[], sizeLimit?: string): Pod => ({
  spec: { containers: [...containers], volumes: [{ name: 'v', emptyDir: { ...(sizeLimit && { sizeLimit }) } }] },
});

const cases: readonly [
  title: string,
  pod: Pod,
  containers: Readonly<Record<string, number>>,
  volume: number | undefined,
  excess: string | undefined,
][] = [
  ['no limits', pod([container('a')]), { a: 1e12 }, 1e12, undefined],
  ['limits that are kept', pod([container('a', '2Ki')], '1Ki'), { a: 1024 }, 1024, undefined],
  [
    'a volume over its limit',
    pod([container('a')], '1Ki'),
    {},
    1025,
    'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ',
  ],
  [
    'a container and volumes that are together over the limits of all',
    pod([container('a', '1Ki'), container('b', '1Ki')]),
    { a: 1000, b: 1000 },
    100,
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Ki. ',
  ],
  [
    'a container over its own limit, with room in that of the pod',
    pod([container('a', '1Ki'), container('b', '1Ki')]),
    { a: 1025 },
    undefined,
    'Container a exceeded its local ephemeral storage limit "1Ki". ',
  ],
  ['a volume whose limit is 0, which is none', pod([container('a')], '0'), {}, 5000, undefined],
  [
    'a sidecar over its own limit, with room in that of the pod',
    {
      spec: {
        containers: [container('a', '10Ki')],
        initContainers: [{ ...container('s', '1Ki'), restartPolicy: 'Always' }],
      },
    },
    { s: 2000 },
    undefined,
    undefined,
  ],
  ['nothing known yet', pod([container('a', '1')], '1'), {}, undefined, undefined],
];

describe('storageExcess', () => {
  for (const [title, of, containers, volume, excess] of cases) {
    it(`${title}: ${excess ?? 'none'}`, () => {
      const volumes = new Map(volume === undefined ? [] : [['v', volume]]);
      assert.equal(storageExcess(of, { containers: new Map(Object.entries(containers)), volumes }), excess);
    });
  }
});

it('a pod has limits where a container or a volume on disk has one', () => {
  assert.equal(hasStorageLimits(pod([container('a')])), false);
  assert.equal(hasStorageLimits(pod([container('a', '1')])), true);
  assert.equal(hasStorageLimits(pod([container('a')], '1Ki')), true);
  const critical: Pod = {
    spec: { ...pod([container('a', '1')]).spec, containers: [container('a', '1')], priority: 2_000_001_000 },
  };
  assert.equal(hasStorageLimits(critical), false);
  const inMemory: Pod = {
    spec: { containers: [], volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1' } }] },
  };
  assert.equal(hasStorageLimits(inMemory), false);
});
