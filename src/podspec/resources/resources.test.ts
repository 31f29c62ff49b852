import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../../kubernetes/objects.ts';
import { cgroupLimits, cpuSharesFromMilliCpu, oomScoreAdjust, podCgroupLimits, quotaUsFromMilliCpu } from './cgroup.ts';
import { podLimits, podRequests } from './pod-resources.ts';
import { qosClass } from './qos-class.ts';
import { formatQuantity } from './quantity.ts';
import type { ResourceAmounts } from './resource-list.ts';

type Amounts = Record<string, string>;

function container(requests?: Amounts, limits?: Amounts, rest: Partial<Container> = {}): Container {
  return { name: 'c', image: 'x', resources: { ...(requests && { requests }), ...(limits && { limits }) }, ...rest };
}

function pod(containers: Container[], rest: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  return { spec: { containers, ...rest } };
}

const sidecar = { restartPolicy: 'Always' };
const both = (cpu: string, memory: string): Amounts => ({ cpu, memory });
const plain = (amounts: ResourceAmounts): Amounts =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount, 'binary')]));

test('the QoS class follows requests and limits', async (t) => {
  const cases: readonly (readonly [string, Pod, string])[] = [
    ['nothing asked for', pod([container()]), 'BestEffort'],
    ['zero is nothing', pod([container(both('0', '0'))]), 'BestEffort'],
    ['only other resources', pod([container({ 'ephemeral-storage': '1Gi' })]), 'BestEffort'],
    ['a request', pod([container({ cpu: '1' })]), 'Burstable'],
    ['all equal, however written', pod([container(both('1', '1Gi'), both('1000m', '1024Mi'))]), 'Guaranteed'],
    ['CPU alone', pod([container({ cpu: '1' }, { cpu: '1' })]), 'Burstable'],
    ['one container without', pod([container(both('1', '1Gi'), both('1', '1Gi')), container()]), 'Burstable'],
    [
      'an init container without',
      pod([container(both('1', '1Gi'), both('1', '1Gi'))], { initContainers: [container()] }),
      'Burstable',
    ],
    [
      'pod-level resources alone count',
      pod([container()], { resources: { requests: both('1', '1Gi'), limits: both('1', '1Gi') } }),
      'Guaranteed',
    ],
    ['what the API server wrote', { ...pod([container()]), status: { qosClass: 'Guaranteed' } }, 'Guaranteed'],
  ];
  for (const [name, subject, expected] of cases) await t.test(name, () => assert.equal(qosClass(subject), expected));
});

test('a pod requests what it needs at most at one time', () => {
  const subject = pod([container({ cpu: '100m' }), container({ cpu: '200m', memory: '1Gi' })], {
    initContainers: [
      container({ cpu: '400m' }),
      container({ cpu: '50m' }, undefined, sidecar),
      container({ memory: '2Gi', cpu: '400m' }),
    ],
    overhead: { cpu: '10m' },
  });
  assert.deepEqual(plain(podRequests(subject)), { cpu: '460m', memory: '2Gi' });
});

test('pod-level amounts stand in place of the sum, overhead is added to what is limited', () => {
  const subject = pod([container(undefined, { cpu: '1', memory: '1Gi' })], {
    resources: { limits: { cpu: '3' } },
    overhead: { cpu: '1', 'ephemeral-storage': '1Gi' },
  });
  assert.deepEqual(plain(podLimits(subject)), { cpu: '4', memory: '1Gi' });
});

test('cgroup values are kubelet’s', () => {
  for (const [milliCpu, shares] of [
    [0, 2],
    [1, 2],
    [250, 256],
    [1000, 1024],
    [1_000_000, 262_144],
  ] as const) {
    assert.equal(cpuSharesFromMilliCpu(milliCpu), shares);
  }
  assert.equal(quotaUsFromMilliCpu(1), 1000);
  assert.equal(quotaUsFromMilliCpu(1500), 150_000);

  assert.deepEqual(cgroupLimits(container()), { cpuShares: 2, cpuPeriodUs: 100_000 });
  assert.deepEqual(cgroupLimits(container(undefined, both('500m', '64Mi'))), {
    cpuShares: 512,
    cpuPeriodUs: 100_000,
    cpuQuotaUs: 50_000,
    memoryLimitBytes: 64 * 2 ** 20,
  });
});

test('a pod that asks for resources as a whole gets a cgroup of that size', () => {
  const mib = 2 ** 20;
  const of = (resources: { requests?: Amounts; limits?: Amounts } | undefined, ...containers: Container[]) =>
    podCgroupLimits(pod(containers, resources && { resources }));
  assert.equal(of(undefined, container(undefined, both('1', '1Gi'))), undefined);
  assert.equal(of({}, container()), undefined);
  assert.deepEqual(of({ requests: { cpu: '250m' }, limits: both('500m', '64Mi') }, container()), {
    cpuShares: 256,
    cpuPeriodUs: 100_000,
    cpuQuotaUs: 50_000,
    memoryLimitBytes: 64 * mib,
  });
  const limited = container({ cpu: '100m' }, { memory: '10Mi' });
  assert.deepEqual(
    of({ limits: { cpu: '1' } }, limited, limited),
    { cpuShares: 204, cpuPeriodUs: 100_000, cpuQuotaUs: 100_000, memoryLimitBytes: 20 * mib },
    'what it leaves out is the sum of the containers',
  );
  assert.deepEqual(
    of({ limits: { cpu: '1' } }, limited, container()),
    { cpuShares: 102, cpuPeriodUs: 100_000, cpuQuotaUs: 100_000 },
    'and no limit where one of them has none',
  );
});

test('the OOM score follows QoS class and memory request', async (t) => {
  const gib = 2 ** 30;
  const half = container({ memory: '500Mi' });
  const cases: readonly (readonly [string, Pod, Container, number])[] = [
    ['best effort dies first', pod([container()]), container(), 1000],
    ['guaranteed dies last', { ...pod([half]), status: { qosClass: 'Guaranteed' } }, half, -997],
    ['node-critical dies last', pod([container()], { priorityClassName: 'system-node-critical' }), container(), -997],
    ['half the node', pod([container({ memory: '512Mi' })]), container({ memory: '512Mi' }), 500],
    ['nothing of its own is still less than best effort', pod([half, container()]), container(), 999],
    ['all of the node', pod([container({ memory: '1Gi' })]), container({ memory: '1Gi' }), 3],
    [
      'a sidecar as its containers',
      pod([container({ memory: '512Mi' })]),
      container(undefined, undefined, sidecar),
      500,
    ],
    [
      'a pod-level request is shared out',
      pod([container(), container()], { resources: { requests: { memory: '512Mi' } } }),
      container(),
      750,
    ],
  ];
  for (const [name, subject, own, expected] of cases) {
    await t.test(name, () => assert.equal(oomScoreAdjust(subject, own, gib), expected));
  }
});
