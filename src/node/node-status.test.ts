import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubernetesVersion } from '../../test/cluster/versions.ts';
import type { NodeOffer } from '../provider/provider.ts';
import { desiredNode, kubeletVersion, type NodeIdentity, nodeLabels } from './node-status.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

const identity: NodeIdentity = {
  nodeName: 'vk',
  nodeIp: '10.0.0.5',
  operatingSystem: 'linux',
  kubeletPort: 10_250,
  taint: { key: 'virtual-kubelet.io/provider', value: 'memory', effect: 'NoSchedule' },
  kubeletVersion: kubeletVersion('0.1.0'),
};

const offer: NodeOffer = {
  capacity: { cpu: '4', memory: '8Gi', pods: '110', storage: '10Gi' },
  allocatable: { memory: '7Gi' },
  architecture: 'arm64',
  containerRuntimeVersion: 'memory://1',
};

describe('desiredNode', () => {
  it('has the labels and the taint of the contract', () => {
    const { labels, taints } = desiredNode({ identity, offer, health: { kind: 'ready' }, nowMs, present: undefined });
    assert.deepEqual(labels, {
      type: 'virtual-kubelet',
      'kubernetes.io/role': 'agent',
      'kubernetes.io/hostname': 'vk',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'arm64',
      'alpha.service-controller.kubernetes.io/exclude-balancer': 'true',
      'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
    });
    assert.deepEqual(taints, [identity.taint]);
  });

  it('offers what the provider has, all of it allocatable unless less is said', () => {
    const { status } = desiredNode({ identity, offer, health: { kind: 'ready' }, nowMs, present: undefined });
    assert.deepEqual(status.capacity, offer.capacity);
    assert.deepEqual(status.allocatable, { ...offer.capacity, memory: '7Gi' });
    assert.deepEqual(status.addresses, [
      { type: 'InternalIP', address: '10.0.0.5' },
      { type: 'Hostname', address: 'vk' },
    ]);
    assert.equal(status.daemonEndpoints?.kubeletEndpoint?.Port, 10_250);
    assert.equal(status.nodeInfo?.kubeletVersion, `${kubernetesVersion}-vk-0.1.0`);
  });

  it('declares that the API server may hand WebSockets through', () => {
    const { status } = desiredNode({ identity, offer, health: { kind: 'ready' }, nowMs, present: undefined });
    assert.deepEqual(status.declaredFeatures, ['ExtendWebSocketsToKubelet']);
  });

  it("has kubelet's five conditions in kubelet's words, Ready last", () => {
    const { status } = desiredNode({ identity, offer, health: { kind: 'ready' }, nowMs, present: undefined });
    assert.deepEqual(
      status.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
      [
        'MemoryPressure=False KubeletHasSufficientMemory',
        'DiskPressure=False KubeletHasNoDiskPressure',
        'PIDPressure=False KubeletHasSufficientPID',
        'NetworkUnavailable=False RouteCreated',
        'Ready=True KubeletReady',
      ],
    );
  });

  it('dates a transition only where the status changes', () => {
    const since = '2025-12-01T00:00:00Z';
    const present = {
      conditions: [
        { type: 'Ready', status: 'False', lastTransitionTime: since },
        { type: 'PIDPressure', status: 'False', lastTransitionTime: since },
      ],
    };
    const { status } = desiredNode({ identity, offer, health: { kind: 'ready' }, nowMs, present });
    const times = Object.fromEntries(status.conditions?.map((one) => [one.type, one.lastTransitionTime]) ?? []);
    assert.equal(times['PIDPressure'], since);
    assert.equal(times['Ready'], '2026-01-01T00:00:00Z');
  });

  it('lets the provider replace and add conditions, but not say that the node is Ready', () => {
    const conditions = [
      { type: 'DiskPressure', status: 'True', reason: 'Full', message: 'no room' },
      { type: 'OutOfDisk', status: 'False', reason: 'KubeletHasSufficientDisk' },
      { type: 'Ready', status: 'True' },
    ];
    const health = { kind: 'not-ready', reason: 'KubeletNotReady', message: 'no answer' } as const;
    const { status } = desiredNode({ identity, offer: { ...offer, conditions }, health, nowMs, present: undefined });
    const states = Object.fromEntries(status.conditions?.map((one) => [one.type, one.status]) ?? []);
    assert.equal(states['DiskPressure'], 'True');
    assert.equal(states['OutOfDisk'], 'False');
    assert.deepEqual(
      status.conditions?.filter(({ type }) => type === 'Ready').map(({ status, message }) => [status, message]),
      [['False', 'no answer']],
    );
  });

  it('is Ready in the words of the provider, where it has some', () => {
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Fargate cluster is ready', message: 'ok' }];
    const health = { kind: 'ready' } as const;
    const { status } = desiredNode({ identity, offer: { ...offer, conditions }, health, nowMs, present: undefined });
    const ready = status.conditions?.filter(({ type }) => type === 'Ready');
    assert.deepEqual(
      ready?.map(({ status, reason, message }) => [status, reason, message]),
      [['True', 'Fargate cluster is ready', 'ok']],
    );
  });

  it('says nothing of capacity while the provider has not described itself', () => {
    const health = { kind: 'not-ready', reason: 'KubeletNotReady', message: 'no answer' } as const;
    const node = desiredNode({ identity, offer: undefined, health, nowMs, present: undefined });
    assert.equal(node.isComplete, false);
    assert.equal(node.status.capacity, undefined);
    assert.equal('kubernetes.io/arch' in node.labels, false);
  });
});

it('a version of ours makes a kubelet version that is semantic', () => {
  assert.match(kubeletVersion('0.1.0'), /^v\d+\.\d+\.\d+-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*$/);
});

it('the labels of the init step need no provider', () => {
  assert.equal(nodeLabels(identity)['kubernetes.io/role'], 'agent');
});
