import type { ContainerUsage, CpuUsage, DiskUsage, MemoryUsage, Throttling } from '../../provider/usage.ts';

interface Reading {
  /** Undefined for not known, which is left out. */
  readonly value: number | undefined;
  readonly timeMs?: number | undefined;
  /** Beside those that each container has. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ContainerFamily {
  /** After `container_`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly read: (container: ContainerUsage) => readonly Reading[];
}

/** What cAdvisor says of each container, in its words and units, as far as dashboards ask for it. */
export const containerFamilies: readonly ContainerFamily[] = [
  counter(
    'cpu_usage_seconds_total',
    'Cumulative cpu time consumed in seconds.',
    ofCpu(({ totalNs }) => seconds(totalNs), { cpu: 'total' }),
  ),
  counter(
    'cpu_cfs_periods_total',
    'Number of elapsed enforcement period intervals.',
    ofThrottling(({ periods }) => periods),
  ),
  counter(
    'cpu_cfs_throttled_periods_total',
    'Number of throttled period intervals.',
    ofThrottling(({ throttledPeriods }) => throttledPeriods),
  ),
  counter(
    'cpu_cfs_throttled_seconds_total',
    'Total time duration the container has been throttled.',
    ofThrottling(({ throttledNs }) => seconds(throttledNs)),
  ),
  gauge(
    'memory_working_set_bytes',
    'Current working set in bytes.',
    ofMemory(({ workingSetBytes }) => workingSetBytes),
  ),
  gauge(
    'memory_usage_bytes',
    'Current memory usage in bytes, including all memory regardless of when it was accessed.',
    ofMemory(({ usageBytes }) => usageBytes),
  ),
  gauge(
    'memory_rss',
    'Size of RSS in bytes.',
    ofMemory(({ rssBytes }) => rssBytes),
  ),
  gauge(
    'memory_cache',
    'Number of bytes of page cache memory.',
    ofMemory(({ cacheBytes }) => cacheBytes),
  ),
  gauge(
    'memory_swap',
    'Container swap usage in bytes.',
    ofMemory(({ swapBytes }) => swapBytes),
  ),
  counter(
    'oom_events_total',
    'Count of out of memory events observed for the container',
    ofMemory(({ oomKills }) => oomKills),
  ),
  {
    name: 'memory_failures_total',
    type: 'counter',
    help: 'Cumulative count of memory allocation failures.',
    read: ({ memory }) => [
      { value: memory?.pageFaults, timeMs: memory?.timeMs, labels: { failure_type: 'pgfault', scope: 'container' } },
      {
        value: memory?.majorPageFaults,
        timeMs: memory?.timeMs,
        labels: { failure_type: 'pgmajfault', scope: 'container' },
      },
    ],
  },
  gauge('fs_limit_bytes', 'Number of bytes that can be consumed by the container on this filesystem.', ({ rootfs }) => [
    { value: rootfs?.capacityBytes, timeMs: rootfs?.timeMs },
  ]),
  gauge('fs_usage_bytes', 'Number of bytes that are consumed by the container on this filesystem.', ({ rootfs }) => [
    { value: rootfs?.usedBytes, timeMs: rootfs?.timeMs },
  ]),
  counter(
    'fs_reads_bytes_total',
    'Cumulative count of bytes read',
    ofDisks(({ readBytes }) => readBytes),
  ),
  counter(
    'fs_writes_bytes_total',
    'Cumulative count of bytes written',
    ofDisks(({ writtenBytes }) => writtenBytes),
  ),
  counter(
    'fs_reads_total',
    'Cumulative count of reads completed',
    ofDisks(({ reads }) => reads),
  ),
  counter(
    'fs_writes_total',
    'Cumulative count of writes completed',
    ofDisks(({ writes }) => writes),
  ),
  gauge('processes', 'Number of processes running inside the container.', ({ processes, cpu }) => [
    { value: processes, timeMs: cpu?.timeMs },
  ]),
  gauge('threads', 'Number of threads running inside the container', ({ threads, cpu }) => [
    { value: threads, timeMs: cpu?.timeMs },
  ]),
  gauge('spec_cpu_shares', 'CPU share of the container.', ({ limits }) => [{ value: limits?.cpuShares }]),
  gauge('spec_cpu_period', 'CPU period of the container.', ({ limits }) => [{ value: limits?.cpuPeriodUs }]),
  // Not there without a limit, as with cAdvisor, whereas memory without one is 0.
  gauge('spec_cpu_quota', 'CPU quota of the container.', ({ limits }) => [{ value: limits?.cpuQuotaUs }]),
  gauge('spec_memory_limit_bytes', 'Memory limit for the container.', ({ limits }) => [
    { value: limits && (limits.memoryBytes ?? 0) },
  ]),
  gauge('last_seen', 'Last time a container was seen by the exporter', ({ cpu, memory }) => {
    const timeMs = cpu?.timeMs ?? memory?.timeMs;
    return [{ value: timeMs === undefined ? undefined : Math.floor(timeMs / 1000), timeMs }];
  }),
  gauge('start_time_seconds', 'Start time of the container since unix epoch in seconds.', ({ startedAtMs }) => [
    { value: startedAtMs / 1000 },
  ]),
];

function counter(name: string, help: string, read: ContainerFamily['read']): ContainerFamily {
  return { name, type: 'counter', help, read };
}

function gauge(name: string, help: string, read: ContainerFamily['read']): ContainerFamily {
  return { name, type: 'gauge', help, read };
}

function ofCpu(read: (cpu: CpuUsage) => number, labels: Reading['labels'] & object): ContainerFamily['read'] {
  return ({ cpu }) => (cpu === undefined ? [] : [{ value: read(cpu), timeMs: cpu.timeMs, labels }]);
}

function ofThrottling(read: (throttling: Throttling) => number): ContainerFamily['read'] {
  return ({ throttling: of }) => (of === undefined ? [] : [{ value: read(of), timeMs: of.timeMs }]);
}

function ofMemory(read: (memory: MemoryUsage) => number | undefined): ContainerFamily['read'] {
  return ({ memory }) => (memory === undefined ? [] : [{ value: read(memory), timeMs: memory.timeMs }]);
}

function ofDisks(read: (disk: DiskUsage['disks'][number]) => number): ContainerFamily['read'] {
  return ({ disk }) =>
    (disk?.disks ?? []).map((each) => ({
      value: read(each),
      timeMs: disk?.timeMs,
      labels: { device: each.device },
    }));
}

function seconds(ns: number): number {
  return ns / 1e9;
}
