import type { DiskSample } from '../../usage.ts';
import { countLines, parseFlatKeyed, parseIoStat, parseLimit } from './cgroup-values.ts';
import type { Counters } from './counters.ts';
import type { DeviceName } from './device-names.ts';
import { readSmallFile } from './read-small-file.ts';

/** Undefined where the cgroup is gone. What stands where: the kernel's Documentation/admin-guide/cgroup-v2. */
export function readVersion2(folder: string, deviceName: DeviceName): Counters | undefined {
  const cpuStat = readSmallFile(`${folder}/cpu.stat`);
  const usage = readSmallFile(`${folder}/memory.current`);
  const statText = readSmallFile(`${folder}/memory.stat`);
  if (cpuStat === undefined || usage === undefined || statText === undefined) return undefined;
  const stat = parseFlatKeyed(statText);
  const cpu = parseFlatKeyed(cpuStat);
  const usageBytes = Number(usage);
  const memoryLimitBytes = parseLimit(readSmallFile(`${folder}/memory.max`) ?? 'max');
  const swap = readSmallFile(`${folder}/memory.swap.current`);
  const oomKills = parseFlatKeyed(readSmallFile(`${folder}/memory.events`) ?? '').get('oom_kill');
  return {
    cpuTotalNs: (cpu.get('usage_usec') ?? 0) * 1000,
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (stat.get('inactive_file') ?? 0)),
    rssBytes: stat.get('anon') ?? 0,
    cacheBytes: stat.get('file') ?? 0,
    ...(swap === undefined ? {} : { swapBytes: Number(swap) }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    pageFaults: stat.get('pgfault') ?? 0,
    majorPageFaults: stat.get('pgmajfault') ?? 0,
    ...(oomKills === undefined ? {} : { oomKills }),
    ...readCpuShare(folder, cpu),
    ...readPids(folder),
    ...readDisks(folder, deviceName),
  };
}

function readCpuShare(folder: string, stat: ReadonlyMap<string, number>): Pick<Counters, 'cpuShare' | 'throttling'> {
  const weight = readSmallFile(`${folder}/cpu.weight`);
  const max = readSmallFile(`${folder}/cpu.max`);
  if (weight === undefined || max === undefined) return {};
  const [quota = 'max', period = ''] = max.trim().split(' ');
  const cpuShare = { shares: sharesOfWeight(Number(weight)), periodUs: Number(period) };
  if (quota === 'max') return { cpuShare };
  return {
    cpuShare: { ...cpuShare, quotaUs: Number(quota) },
    throttling: {
      periods: stat.get('nr_periods') ?? 0,
      throttledPeriods: stat.get('nr_throttled') ?? 0,
      throttledNs: (stat.get('throttled_usec') ?? 0) * 1000,
    },
  };
}

/** 2 to 262144 shares are 1 to 10000 of weight, as runtimes reckon it the other way (OCI runtimes, KEP-2254). */
function sharesOfWeight(weight: number): number {
  return 2 + Math.floor(((weight - 1) * 262_142) / 9999);
}

function readPids(folder: string): Pick<Counters, 'processes' | 'threads'> {
  const threads = readSmallFile(`${folder}/pids.current`);
  if (threads === undefined) return {};
  // crun puts the processes one below, where the cgroup with the limits has none of its own.
  const processes = readSmallFile(`${folder}/cgroup.procs`) || readSmallFile(`${folder}/container/cgroup.procs`);
  return { processes: countLines(processes ?? ''), threads: Number(threads) };
}

function readDisks(folder: string, deviceName: DeviceName): { readonly disks?: readonly DiskSample[] } {
  const text = readSmallFile(`${folder}/io.stat`);
  if (text === undefined) return {};
  const disks = parseIoStat(text).map(({ numbers, values }) => ({
    device: deviceName(numbers),
    readBytes: values.get('rbytes') ?? 0,
    writtenBytes: values.get('wbytes') ?? 0,
    reads: values.get('rios') ?? 0,
    writes: values.get('wios') ?? 0,
  }));
  return { disks };
}
