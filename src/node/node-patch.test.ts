import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node } from '../kubernetes/objects.ts';
import { appliedAnnotations, appliedNode } from './applied-node.ts';
import { type NodeMerge, nodeObjectPatch, nodeStatusPatch } from './node-patch.ts';
import type { DesiredNode, Taint } from './node-status.ts';
import { isRestrictedLabel } from './restricted-labels.ts';

const ours: Taint = { key: 'virtual-kubelet.io/provider', value: 'memory', effect: 'NoSchedule' };
const theirs: Taint = { key: 'someone.example/x', effect: 'NoExecute' };

const desired: DesiredNode = {
  nodeName: 'vk',
  labels: { type: 'virtual-kubelet', 'kubernetes.io/role': 'agent' },
  taints: [ours],
  providerId: undefined,
  status: {
    capacity: { cpu: '1.5', memory: '8Gi' },
    allocatable: { cpu: '1.5', memory: '8Gi' },
    addresses: [{ type: 'InternalIP', address: '10.0.0.5' }],
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: 'later' }],
  },
  isComplete: true,
};

/** The node as the API server has it after `desired` has been applied. */
function appliedTo(wanted: DesiredNode, change: (node: Required<Node>) => void = () => {}): Node {
  const node: Required<Node> = structuredClone({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'vk',
      resourceVersion: '7',
      labels: { ...wanted.labels },
      annotations: { ...appliedAnnotations(wanted, new Set()) },
    },
    spec: { taints: [...wanted.taints] },
    status: {
      ...wanted.status,
      capacity: { cpu: '1500m', memory: '8Gi' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: 'before' }],
    },
  });
  change(node);
  return node;
}

function mergeOf(current: Node, change: Partial<NodeMerge> = {}): NodeMerge {
  return { current, applied: appliedNode(current), desired, refusedLabels: new Set(), mayTaint: true, ...change };
}

describe('the three-way merge of a node', () => {
  it('sends nothing where all is as desired, whatever others have added', () => {
    const merge = mergeOf(
      appliedTo(desired, (node) => {
        node.metadata.labels = { ...node.metadata.labels, someone: 'else' };
        node.metadata.annotations = { ...node.metadata.annotations, note: 'kept' };
        node.spec.taints?.push(theirs);
        node.status.conditions?.push({ type: 'SomeoneSays', status: 'True' });
        node.status.addresses?.push({ type: 'ExternalIP', address: '1.2.3.4' });
        node.status.capacity = { ...node.status.capacity, 'example.com/gpu': '1' };
      }),
    );
    assert.equal(nodeObjectPatch(merge), undefined);
    assert.equal(nodeStatusPatch(merge, { heartbeat: false }), undefined);
  });

  it('sends the conditions for a heartbeat', () => {
    const patch = nodeStatusPatch(mergeOf(appliedTo(desired)), { heartbeat: true });
    assert.deepEqual(patch, { status: { conditions: desired.status.conditions } });
  });

  it('brings back what somebody has changed or taken away', () => {
    const merge = mergeOf(
      appliedTo(desired, (node) => {
        node.metadata.labels = { type: 'other' };
        node.spec.taints = [theirs];
        node.status.capacity = { memory: '8Gi' };
      }),
    );
    assert.deepEqual(nodeObjectPatch(merge), {
      metadata: { labels: { type: 'virtual-kubelet', 'kubernetes.io/role': 'agent' }, resourceVersion: '7' },
      spec: { taints: [theirs, ours] },
    });
    assert.deepEqual(nodeStatusPatch(merge, { heartbeat: false })?.status['capacity'], { cpu: '1.5' });
  });

  it('takes away what we set earlier and want no longer, and nothing else', () => {
    const before: DesiredNode = {
      ...desired,
      labels: { ...desired.labels, zone: 'a' },
      status: {
        ...desired.status,
        capacity: { cpu: '1.5', memory: '8Gi', gpu: '1' },
        conditions: [...(desired.status.conditions ?? []), { type: 'OutOfDisk', status: 'False' }],
      },
    };
    const current = appliedTo(before, (node) => {
      node.metadata.labels = { ...node.metadata.labels, someone: 'else' };
      node.status.capacity = { ...node.status.capacity, gpu: '1' };
      node.status.conditions?.push({ type: 'OutOfDisk', status: 'False' }, { type: 'SomeoneSays', status: 'True' });
    });
    const merge = mergeOf(current, { desired: { ...desired, taints: [] } });
    const patch = nodeObjectPatch(merge);
    assert.deepEqual(patch?.metadata.labels, { zone: null });
    assert.deepEqual(patch?.spec, { taints: [] });
    const status = nodeStatusPatch(merge, { heartbeat: false })?.status;
    assert.deepEqual(status?.['capacity'], { gpu: null });
    assert.deepEqual(status?.['conditions'], [
      ...(desired.status.conditions ?? []),
      { $patch: 'delete', type: 'OutOfDisk' },
    ]);
  });

  it('takes nothing away while the provider has not said what it offers', () => {
    const incomplete: DesiredNode = {
      ...desired,
      labels: { type: 'virtual-kubelet' },
      status: { conditions: desired.status.conditions ?? [] },
      isComplete: false,
    };
    const merge = mergeOf(appliedTo(desired), { desired: incomplete });
    assert.equal(nodeObjectPatch(merge), undefined);
    assert.equal(nodeStatusPatch(merge, { heartbeat: false }), undefined);
  });

  it('leaves out labels and taints that were refused', () => {
    const current = appliedTo(desired, (node) => {
      node.metadata.labels = { type: 'virtual-kubelet' };
      node.spec.taints = [];
    });
    const refusedLabels = new Set(['kubernetes.io/role']);
    current.metadata = { ...current.metadata, annotations: { ...appliedAnnotations(desired, refusedLabels) } };
    assert.equal(nodeObjectPatch(mergeOf(current, { refusedLabels, mayTaint: false })), undefined);
  });

  it('replaces the value of our taint', () => {
    const current = appliedTo({ ...desired, taints: [{ ...ours, value: 'podman' }] });
    assert.deepEqual(nodeObjectPatch(mergeOf(current))?.spec, { taints: [ours] });
  });

  it('reads annotations that somebody has spoilt as none', () => {
    const applied = appliedNode({
      metadata: { annotations: { 'virtual-kubelet.io/last-applied-node-status': '{{', other: 'x' } },
    });
    assert.equal(applied.conditionTypes.size, 0);
  });

  it('reads what the Go virtual kubelet wrote', () => {
    const applied = appliedNode({
      metadata: {
        annotations: {
          'virtual-kubelet.io/last-applied-node-status': JSON.stringify({
            capacity: { cpu: '20' },
            conditions: [{ type: 'OutOfDisk', status: 'False', lastHeartbeatTime: null }],
          }),
          'virtual-kubelet.io/last-applied-object-meta': JSON.stringify({ labels: { type: 'virtual-kubelet' } }),
        },
      },
    });
    assert.deepEqual([...applied.conditionTypes, ...applied.capacity, ...applied.labels], ['OutOfDisk', 'cpu', 'type']);
  });
});

describe('NodeRestriction', () => {
  for (const [key, isRestricted] of [
    ['kubernetes.io/role', true],
    ['alpha.service-controller.kubernetes.io/exclude-balancer', true],
    ['node-role.kubernetes.io/agent', true],
    ['node-restriction.kubernetes.io/x', true],
    ['x.k8s.io/y', true],
    ['kubernetes.io/hostname', false],
    ['kubernetes.io/arch', false],
    ['node.kubernetes.io/exclude-from-external-load-balancers', false],
    ['sub.kubelet.kubernetes.io/x', false],
    ['type', false],
    ['notkubernetes.io/x', false],
  ] as const) {
    it(`${isRestricted ? 'refuses' : 'lets through'} the label ${key}`, () => {
      assert.equal(isRestrictedLabel(key), isRestricted);
    });
  }
});
