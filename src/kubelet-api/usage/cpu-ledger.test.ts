import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerUsage, PodUsage, Usage } from '../../provider/usage.ts';
import { CpuLedger } from './cpu-ledger.ts';

/** A container by its name, when it started and what it has used. */
type Container = readonly [name: string, startedAtMs: number, totalNs: number | undefined];

function pod(uid: string, ...containers: readonly Container[]): PodUsage {
  return {
    ref: { namespace: 'default', name: uid, uid },
    startedAtMs: 0,
    containers: containers.map(
      ([name, startedAtMs, totalNs]): ContainerUsage => ({
        name,
        startedAtMs,
        ...(totalNs === undefined ? {} : { cpu: { timeMs: 1, totalNs, rateNs: 1 } }),
      }),
    ),
  };
}

/** Reads at 1000 ms, 2000 ms and so on; gives the totals of node and pods each time. */
function totals(readings: readonly (readonly PodUsage[])[]): object[] {
  const ledger = new CpuLedger(0);
  return readings.map((pods, index) => {
    const { node, pods: read } = ledger.complete({ pods }, (index + 1) * 1000);
    return [node?.cpu?.totalNs, ...read.map(({ cpu }) => cpu?.totalNs)];
  });
}

const cases: readonly [title: string, readings: readonly (readonly PodUsage[])[], expected: object[]][] = [
  [
    'what runs is the sum of its parts',
    [[pod('a', ['x', 0, 5], ['y', 0, 7]), pod('b', ['x', 0, 100])]],
    [[112, 12, 100]],
  ],
  [
    'the node does not forget a pod that has ended',
    [[pod('a', ['x', 0, 5]), pod('b', ['x', 0, 100])], [pod('a', ['x', 0, 6])], [pod('a', ['x', 0, 9])]],
    [
      [105, 5, 100],
      [106, 6],
      [109, 9],
    ],
  ],
  [
    'nor a pod the attempt before of a container',
    [[pod('a', ['x', 0, 50], ['y', 0, 7])], [pod('a', ['x', 1500, 1], ['y', 0, 8])]],
    [
      [57, 57],
      [59, 59],
    ],
  ],
  [
    'a container that could not be read once is not counted twice',
    [[pod('a', ['x', 0, 50])], [pod('a', ['x', 0, undefined])], [], [pod('a', ['x', 0, 60])], [pod('a', ['x', 0, 61])]],
    [[50, 50], [undefined, undefined], [undefined], [50, 60], [51, 61]],
  ],
  [
    'a pod that began since the reading before is counted from its beginning',
    [[pod('a', ['x', 0, 5])], [pod('a', ['x', 0, 5]), pod('b', ['x', 1200, 20])]],
    [
      [5, 5],
      [25, 5, 20],
    ],
  ],
];

for (const [title, readings, expected] of cases) {
  test(title, () => assert.deepEqual(totals(readings), expected));
}

test('what the provider says itself stays as it is', () => {
  const cpu = { timeMs: 1, totalNs: 3 };
  const usage: Usage = {
    node: { startedAtMs: 5, cpu: { timeMs: 1, totalNs: 9 } },
    pods: [{ ...pod('a', ['x', 0, 2]), cpu }],
  };
  assert.deepEqual(new CpuLedger(0).complete(usage, 1000), usage);
});

test('a pod whose provider knows it as a whole counts for the node, and rates stay those of what runs', () => {
  const usage: Usage = { pods: [{ ...pod('a'), cpu: { timeMs: 1, totalNs: 3, rateNs: 2 } }, pod('b', ['x', 0, 4])] };
  assert.deepEqual(new CpuLedger(7).complete(usage, 1000).node, {
    startedAtMs: 7,
    cpu: { timeMs: 1, totalNs: 7, rateNs: 3 },
  });
});

test('what we use counts for the node beside its pods, and makes one without pods use something', () => {
  const memory = { timeMs: 1, workingSetBytes: 50 };
  const kubelet = { startedAtMs: 0, cpu: { timeMs: 1, totalNs: 30 }, memory };
  const ledger = new CpuLedger(0);
  const read = (...pods: readonly PodUsage[]) => ledger.complete({ node: { kubelet }, pods }, 1000).node;
  assert.deepEqual([read()?.cpu?.totalNs, read()?.memory], [30, memory]);
  assert.equal(read(pod('a', ['x', 1500, 5]))?.cpu?.totalNs, 35);
  assert.equal(read()?.cpu?.totalNs, 35, 'nor is a pod that has ended forgotten');
});
