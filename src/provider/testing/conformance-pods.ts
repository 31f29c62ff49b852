import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Pod, PodSpec } from '../../kubernetes/objects.ts';
import type { ObservedPod, ObservedTerminated } from '../../podspec/status/observed.ts';

/** How the first container ended. */
export function terminationOf(pod: ObservedPod): ObservedTerminated {
  const state = pod.containers[0]?.state;
  assert.ok(state?.kind === 'terminated', `the container is ${state?.kind}`);
  return state;
}

/** A pod as the API server hands it over, of a new UID. */
export function makePod(spec: PodSpec, metadata: Pod['metadata'] = {}): Pod {
  const uid = randomUUID();
  return {
    metadata: {
      namespace: 'conformance',
      name: `pod-${uid.slice(0, 8)}`,
      uid,
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
      ...metadata,
    },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      nodeName: 'conformance-node',
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}
