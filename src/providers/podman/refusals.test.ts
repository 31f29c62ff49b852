import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import { podmanRefusals } from './refusals.ts';

const resources = { limits: { 'ephemeral-storage': '1Gi' } };
const pod: Pod = {
  spec: {
    initContainers: [{ name: 'i', resources }],
    containers: [
      { name: 'a', resources: { limits: { memory: '1Gi' } } },
      { name: 'b', resources },
    ],
  },
};

test('limits of what containers write are refused by name where the storage driver does not show it', () => {
  assert.deepEqual(
    podmanRefusals(pod, 'vfs').map(({ field, why }) => [field, why]),
    [
      [
        'spec.initContainers[0].resources.limits.ephemeral-storage',
        "Podman's storage driver vfs does not show how much a container writes",
      ],
      [
        'spec.containers[1].resources.limits.ephemeral-storage',
        "Podman's storage driver vfs does not show how much a container writes",
      ],
    ],
  );
});

test('they are kept with overlay, and while the driver is not known', () => {
  for (const driver of ['overlay', undefined]) assert.deepEqual(podmanRefusals(pod, driver), []);
});

test('groups are merged with those of the image, and the wish for others is refused', () => {
  const of = (securityContext: NonNullable<Pod['spec']>['securityContext']) =>
    podmanRefusals({ spec: { containers: [], ...(securityContext && { securityContext }) } }).map(({ field }) => field);
  assert.deepEqual(of({ supplementalGroups: [4000], supplementalGroupsPolicy: 'Merge' }), []);
  assert.deepEqual(of({ supplementalGroupsPolicy: 'Strict' }), ['spec.securityContext.supplementalGroupsPolicy']);
});
