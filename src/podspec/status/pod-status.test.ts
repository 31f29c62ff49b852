import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import { goldenTests } from '../testing/golden.ts';
import type { ObservedPod } from './observed.ts';
import { failedStatus, podStatus } from './pod-status.ts';
import { statusPatch } from './status-patch.ts';

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const metadata = { namespace: 'default', name: 'web', uid: 'uid-1', generation: 1 };
const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };

interface Golden {
  readonly pod: Pod;
  readonly observed?: Omit<ObservedPod, 'ref'>;
  readonly waitingReason?: { readonly reason: string; readonly message: string };
}

goldenTests(join(import.meta.dirname, 'testdata'), ({ pod, observed, waitingReason }: Golden) => {
  const whole = { ...pod, metadata: { ...metadata, ...pod.metadata } };
  const status = podStatus({
    pod: whole,
    observed: observed && { ref, ...observed },
    hostIps: ['10.0.0.9'],
    nowMs,
    ...(waitingReason && { waitingReason }),
  });
  // Whatever the API server has is replaced by what we computed: computing again finds nothing to change.
  const again = podStatus({
    pod: { ...whole, status },
    observed: observed && { ref, ...observed },
    hostIps: ['10.0.0.9'],
    nowMs: nowMs + 60_000,
    ...(waitingReason && { waitingReason }),
  });
  assert.equal(statusPatch('uid-1', status, again), undefined);
  return { status, patch: statusPatch('uid-1', pod.status, status) ?? null };
});

const pod = (status: Pod['status']): Pod => ({
  metadata,
  spec: { containers: [{ name: 'web', image: 'nginx' }], restartPolicy: 'Never' },
  ...(status && { status }),
});

test('a refused pod is Failed with its reason and nothing else', () => {
  const before: Pod['status'] = {
    phase: 'Pending',
    qosClass: 'BestEffort',
    conditions: [{ type: 'PodScheduled', status: 'True' }],
  };
  assert.deepEqual(failedStatus(pod(before), { reason: 'UnsupportedPodSpec', message: 'no', nowMs }), {
    phase: 'Failed',
    reason: 'UnsupportedPodSpec',
    message: 'no',
    qosClass: 'BestEffort',
    observedGeneration: 1,
    startTime: '2026-01-02T03:04:05Z',
    conditions: [{ type: 'PodScheduled', status: 'True' }],
  });
});

test('a pod that was ready and fails is ready no longer', () => {
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = failedStatus(pod({ phase: 'Running', conditions }), { reason: 'Gone', message: 'gone', nowMs });
  assert.deepEqual(status.conditions, [
    {
      type: 'Ready',
      status: 'False',
      reason: 'PodFailed',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-02T03:04:05Z',
    },
  ]);
});

test('a terminal pod keeps its status, whatever is said of it', () => {
  const over: Pod['status'] = { phase: 'Succeeded' };
  assert.equal(failedStatus(pod(over), { reason: 'Late', message: 'late', nowMs }), over);
  assert.equal(podStatus({ pod: pod(over), observed: undefined, hostIps: ['10.0.0.9'], nowMs }), over);
});
