import type { CpuShare, DiskSample } from '../../usage.ts';
import type { CgroupFolders } from './cgroup-files.ts';
import { countLines, parseBlkio, parseFlatKeyed, parseLimit } from './cgroup-values.ts';
import type { Counters } from './counters.ts';
import type { DeviceName } from './device-names.ts';
import { readSmallFile } from './read-small-file.ts';

type Folders = Extract<CgroupFolders, { readonly version: 1 }>;

/** Undefined where the cgroup is gone. What stands where: the kernel's Documentation/admin-guide/cgroup-v1. */
export function readVersion1(folders: Folders, deviceName: DeviceName): Counters | undefined {
  const cpuUsage = readSmallFile(`${folders.cpuacct}/cpuacct.usage`);
  const usage = readSmallFile(`${folders.memory}/memory.usage_in_bytes`);
  const statText = readSmallFile(`${folders.memory}/memory.stat`);
  if (cpuUsage === undefined || usage === undefined || statText === undefined) return undefined;
  const stat = parseFlatKeyed(statText);
  const usageBytes = Number(usage);
  const memoryLimitBytes = parseLimit(`${stat.get('hierarchical_memory_limit')}`);
  const oomKills = parseFlatKeyed(readSmallFile(`${folders.memory}/memory.oom_control`) ?? '').get('oom_kill');
  return {
    cpuTotalNs: Number(cpuUsage),
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (stat.get('total_inactive_file') ?? 0)),
    rssBytes: stat.get('total_rss') ?? 0,
    cacheBytes: stat.get('total_cache') ?? 0,
    swapBytes: stat.get('total_swap') ?? 0,
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    pageFaults: stat.get('total_pgfault') ?? 0,
    majorPageFaults: stat.get('total_pgmajfault') ?? 0,
    ...(oomKills === undefined ? {} : { oomKills }),
    ...(folders.cpu === undefined ? {} : readCpu(folders.cpu)),
    ...(folders.pids === undefined ? {} : readPids(folders.pids)),
    ...(folders.blkio === undefined ? {} : { disks: readDisks(folders.blkio, deviceName) }),
  };
}

function readCpu(folder: string): Pick<Counters, 'cpuShare' | 'throttling'> {
  const shares = readSmallFile(`${folder}/cpu.shares`);
  const period = readSmallFile(`${folder}/cpu.cfs_period_us`);
  const quota = readSmallFile(`${folder}/cpu.cfs_quota_us`);
  if (shares === undefined || period === undefined || quota === undefined) return {};
  const cpuShare: CpuShare = { shares: Number(shares), periodUs: Number(period) };
  const quotaUs = Number(quota);
  if (quotaUs < 0) return { cpuShare };
  const stat = parseFlatKeyed(readSmallFile(`${folder}/cpu.stat`) ?? '');
  return {
    cpuShare: { ...cpuShare, quotaUs },
    throttling: {
      periods: stat.get('nr_periods') ?? 0,
      throttledPeriods: stat.get('nr_throttled') ?? 0,
      throttledNs: stat.get('throttled_time') ?? 0,
    },
  };
}

function readPids(folder: string): Pick<Counters, 'processes' | 'threads'> {
  const processes = readSmallFile(`${folder}/cgroup.procs`) || readSmallFile(`${folder}/container/cgroup.procs`);
  const threads = readSmallFile(`${folder}/pids.current`);
  if (threads === undefined) return {};
  return { processes: countLines(processes ?? ''), threads: Number(threads) };
}

function readDisks(folder: string, deviceName: DeviceName): DiskSample[] {
  const bytes = parseBlkio(readSmallFile(`${folder}/blkio.throttle.io_service_bytes_recursive`) ?? '');
  if (bytes.size === 0) return [];
  const operations = parseBlkio(readSmallFile(`${folder}/blkio.throttle.io_serviced_recursive`) ?? '');
  return [...bytes].map(([numbers, { read, write }]) => ({
    device: deviceName(numbers),
    readBytes: read,
    writtenBytes: write,
    reads: operations.get(numbers)?.read ?? 0,
    writes: operations.get(numbers)?.write ?? 0,
  }));
}
