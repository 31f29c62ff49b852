import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActualPod, Attempt } from '../../engine/pod/actual-pod.ts';
import type { ContainerSample, UsageSource } from '../../runtime/usage.ts';
import { readUsage } from './usage.ts';

const { signal } = new AbortController();
const sample: ContainerSample = {
  timeMs: 5000,
  cpuTotalNs: 7,
  cpuRateNs: 3,
  usageBytes: 100,
  workingSetBytes: 60,
  rssBytes: 50,
  memoryLimitBytes: 200,
  pageFaults: 1,
  majorPageFaults: 0,
  cacheBytes: 20,
  swapBytes: 4,
  oomKills: 1,
  cpuShare: { shares: 204, periodUs: 100_000, quotaUs: 20_000 },
  throttling: { periods: 9, throttledPeriods: 4, throttledNs: 30 },
  processes: 2,
  threads: 5,
  disks: [{ device: '/dev/sda', readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 }],
};

class FakeSource implements UsageSource {
  readonly gone: ReadonlySet<string>;

  constructor(gone: readonly string[] = []) {
    this.gone = new Set(gone);
  }

  container(id: string): ContainerSample | undefined {
    return this.gone.has(id) ? undefined : sample;
  }

  network() {
    return [{ name: 'eth0', rxBytes: 1, rxErrors: 0, txBytes: 2, txErrors: 0 }];
  }

  forgetOthers(): void {}
}

function pod(name: string, states: Readonly<Record<string, Attempt['state']>>, ips: readonly string[]): ActualPod {
  const attempts = Object.entries(states).map(([container, state]): [string, readonly Attempt[]] => [
    container,
    [{ id: `${name}-${container}`, name: container, state } as unknown as Attempt],
  ]);
  return {
    ref: { namespace: 'n', name, uid: name },
    sandboxes: [{ id: 's', attempt: 0, ready: true, ips }],
    attempts: new Map(attempts),
  };
}

const filesystem = {
  capacityBytes: 1000,
  availableBytes: 300,
  usedBytes: 700,
  inodes: 50,
  inodesFree: 40,
  inodesUsed: 10,
};

const sizes = {
  logSize: (id: string) => (id === 'p-a' ? { timeMs: 4000, bytes: 70 } : undefined),
  storage: {
    layerSize: (id: string) => (id === 'p-a' ? { timeMs: 3000, bytes: 200, inodes: 3, filesystem } : undefined),
    volumeSizes: (uid: string) =>
      uid === 'p'
        ? [
            { name: 'cache', isOnDisk: true, timeMs: 3000, bytes: 30, inodes: 2, filesystem },
            { name: 'token', isOnDisk: false, timeMs: 3000, bytes: 9, inodes: 5 },
          ]
        : [],
  },
};

const running = (startedAtMs: number): Attempt['state'] => ({ kind: 'running', startedAtMs, pid: 9 });

test('a pod uses what its running containers use', async () => {
  const pods = [pod('p', { a: running(2000), b: running(1000), c: { kind: 'created' } }, ['10.0.0.1'])];
  const usage = await readUsage({ source: new FakeSource(), sizes, pods }, { signal });
  const [read] = usage.pods;
  assert.deepEqual(
    read?.containers.map(({ name, startedAtMs }) => [name, startedAtMs]),
    [
      ['a', 2000],
      ['b', 1000],
    ],
  );
  assert.equal(read?.startedAtMs, 1000);
  assert.equal(read?.containers[0]?.cpu?.rateNs, 3);
  assert.equal(read?.containers[0]?.memory?.availableBytes, 140);
  assert.equal(read?.network?.interfaces[0]?.name, 'eth0');
});

test('what else the kernel says of a container is handed on, with the time of the reading', async () => {
  const pods = [pod('p', { a: running(2000), b: running(1000) }, ['10.0.0.1'])];
  const [read] = (await readUsage({ source: new FakeSource(), sizes, pods }, { signal })).pods;
  assert.equal(read?.processes, 4);
  const { throttling, limits, disk, memory, threads } = read?.containers[0] ?? {};
  assert.deepEqual(throttling, { timeMs: 5000, periods: 9, throttledPeriods: 4, throttledNs: 30 });
  assert.deepEqual(limits, { cpuShares: 204, cpuPeriodUs: 100_000, cpuQuotaUs: 20_000, memoryBytes: 200 });
  assert.deepEqual(disk, { timeMs: 5000, disks: sample.disks });
  assert.deepEqual(
    read?.containers.map(({ logs }) => logs),
    [{ timeMs: 4000, usedBytes: 70 }, undefined],
  );
  assert.deepEqual([memory?.cacheBytes, memory?.swapBytes, memory?.oomKills, threads], [20, 4, 1, 5]);
});

test('what a pod takes of the disk is told with the file system that it takes it of', async () => {
  const pods = [pod('p', { a: running(2000), b: running(1000) }, ['10.0.0.1'])];
  const [read] = (await readUsage({ source: new FakeSource(), sizes, pods }, { signal })).pods;
  assert.deepEqual(
    read?.containers.map(({ rootfs }) => rootfs),
    [{ timeMs: 3000, ...filesystem, usedBytes: 200, inodesUsed: 3 }, undefined],
  );
  assert.deepEqual(read?.volumes, [
    { name: 'cache', timeMs: 3000, ...filesystem, usedBytes: 30, inodesUsed: 2 },
    { name: 'token', timeMs: 3000, usedBytes: 9, inodesUsed: 5 },
  ]);
});

test('of the disk that pods share a pod takes its layers, logs and volumes there, and not those in memory', async () => {
  const pods = [pod('p', { a: running(2000) }, ['10.0.0.1']), pod('q', { a: running(1) }, [])];
  const read = (await readUsage({ source: new FakeSource(), sizes, pods }, { signal })).pods;
  assert.deepEqual(
    read.map(({ ephemeralStorage }) => ephemeralStorage),
    [{ timeMs: 3000, usedBytes: 300, inodesUsed: 5 }, undefined],
  );
});

test('a pod on the host’s network has none of its own', async () => {
  const usage = await readUsage(
    { source: new FakeSource(), sizes, pods: [pod('p', { a: running(1) }, [])] },
    { signal },
  );
  assert.equal(usage.pods[0]?.network, undefined);
});

test('a pod of which nothing runs, or can be seen, is left out', async () => {
  const pods = [pod('ended', { a: { kind: 'created' } }, ['10.0.0.1']), pod('gone', { a: running(1) }, ['10.0.0.2'])];
  assert.deepEqual((await readUsage({ source: new FakeSource(['gone-a']), sizes, pods }, { signal })).pods, []);
});
