import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodCondition, PodStatus } from '../../kubernetes/objects.ts';
import { statusPatch, withAnnotations } from './status-patch.ts';

const ready: PodCondition = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
const container = { name: 'web', image: 'nginx', imageID: '', ready: false, restartCount: 0 };

const cases: Record<string, { readonly current?: PodStatus; readonly desired: PodStatus; readonly patch: unknown }> = {
  'a first status is sent whole': {
    desired: { phase: 'Pending', podIPs: [{ ip: '10.1.0.1' }], conditions: [ready] },
    patch: { phase: 'Pending', podIPs: [{ $patch: 'replace' }, { ip: '10.1.0.1' }], conditions: [ready] },
  },
  'nothing is sent where nothing differs': {
    current: { phase: 'Running', conditions: [ready] },
    desired: { phase: 'Running', conditions: [ready] },
    patch: undefined,
  },
  'what the API server writes for an absent value is no difference': {
    current: {
      containerStatuses: [
        { ...container, lastState: {}, state: { terminated: { exitCode: 0, startedAt: null as never } } },
      ],
      conditions: [{ ...ready, lastProbeTime: null as never }],
    },
    desired: { containerStatuses: [{ ...container, state: { terminated: { exitCode: 0 } } }], conditions: [ready] },
    patch: undefined,
  },
  'a field that is gone is taken away': {
    current: { phase: 'Running', reason: 'Old', message: 'old' },
    desired: { phase: 'Running' },
    patch: { reason: null, message: null },
  },
  'a condition’s reason that is gone is taken away': {
    current: {
      conditions: [
        { ...ready, status: 'False', reason: 'ContainersNotReady', message: 'x', lastProbeTime: null as never },
      ],
    },
    desired: { conditions: [ready] },
    patch: { conditions: [{ ...ready, reason: null, message: null }] },
  },
  'conditions and fields of other authors are never sent': {
    current: { nominatedNodeName: 'a', conditions: [ready, { type: 'a.example/up', status: 'True' }] },
    desired: { nominatedNodeName: 'b', conditions: [ready, { type: 'a.example/up', status: 'False' }] },
    patch: undefined,
  },
  'container statuses are sent as a whole list': {
    current: { containerStatuses: [container, { ...container, name: 'log' }] },
    desired: {
      containerStatuses: [
        { ...container, ready: true },
        { ...container, name: 'log' },
      ],
    },
    patch: {
      containerStatuses: [
        { ...container, ready: true },
        { ...container, name: 'log' },
      ],
    },
  },
};

test('a patch holds what changed and is ours', async (t) => {
  for (const [name, { current, desired, patch }] of Object.entries(cases)) {
    await t.test(name, () => {
      const expected = patch === undefined ? undefined : { metadata: { uid: 'u' }, status: patch };
      assert.deepEqual(statusPatch('u', current, desired), expected);
    });
  }
});

test('annotations are sent where the pod does not have them, with what else there is or alone', () => {
  const pod = { metadata: { uid: 'u', annotations: { mine: 'yes', size: '1' } } };
  const patch = { metadata: { uid: 'u' }, status: { phase: 'Running' } };
  assert.equal(withAnnotations(undefined, pod, undefined), undefined);
  assert.equal(withAnnotations(patch, pod, { size: '1' }), patch);
  assert.deepEqual(withAnnotations(patch, pod, { size: '2' }), {
    metadata: { uid: 'u', annotations: { size: '2' } },
    status: { phase: 'Running' },
  });
  assert.deepEqual(withAnnotations(undefined, pod, { size: '2' }), {
    metadata: { uid: 'u', annotations: { size: '2' } },
    status: {},
  });
});
