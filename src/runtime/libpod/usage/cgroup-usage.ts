import type { Clock } from '../../../support/clock.ts';
import type { ContainerSample, InterfaceSample, UsageSource } from '../../usage.ts';
import { type CgroupFolders, type CgroupMounts, findCgroup, parseCgroupMounts } from './cgroup-files.ts';
import { parseFlatKeyed, parseLimit, parseNetDev } from './cgroup-values.ts';
import { readSmallFile } from './read-small-file.ts';

/** A rate over less says little. */
const leastRateMs = 1000;

interface Known {
  readonly folders: CgroupFolders;
  /** The sample that rates are reckoned from, and the last rate. */
  base: { readonly timeMs: number; readonly cpuTotalNs: number } | undefined;
  rateNs: number | undefined;
  isSampled: boolean;
}

type Counters = Omit<ContainerSample, 'timeMs' | 'cpuRateNs'>;

/** What containers of this machine use, from the files of their cgroups, version 1 and 2: three or four reads each. */
export class CgroupUsage implements UsageSource {
  readonly #clock: Clock;
  readonly #procPath: string;
  readonly #known = new Map<string, Known>();
  #mounts: CgroupMounts | undefined;

  constructor({ clock, procPath = '/proc' }: { readonly clock: Clock; readonly procPath?: string }) {
    this.#clock = clock;
    this.#procPath = procPath;
  }

  container(id: string, pid: number): ContainerSample | undefined {
    const known = this.#known.get(id) ?? this.#find(id, pid);
    const counters = known && readCounters(known.folders);
    if (known === undefined || counters === undefined) return undefined;
    const timeMs = this.#clock.now();
    known.isSampled = true;
    updateRate(known, { timeMs, cpuTotalNs: counters.cpuTotalNs });
    return { timeMs, ...counters, ...(known.rateNs === undefined ? {} : { cpuRateNs: known.rateNs }) };
  }

  network(pid: number): readonly InterfaceSample[] | undefined {
    const text = readSmallFile(`${this.#procPath}/${pid}/net/dev`);
    return text === undefined ? undefined : parseNetDev(text);
  }

  forgetOthers(): void {
    for (const [id, known] of this.#known) {
      if (!known.isSampled) this.#known.delete(id);
      known.isSampled = false;
    }
  }

  #find(id: string, pid: number): Known | undefined {
    const cgroup = readSmallFile(`${this.#procPath}/${pid}/cgroup`);
    if (cgroup === undefined) return undefined;
    this.#mounts ??= parseCgroupMounts(readSmallFile(`${this.#procPath}/self/mountinfo`) ?? '');
    const folders = findCgroup(this.#mounts, cgroup, id);
    if (folders === undefined) return undefined;
    const known: Known = { folders, base: undefined, rateNs: undefined, isSampled: true };
    this.#known.set(id, known);
    return known;
  }
}

function updateRate(known: Known, sample: { readonly timeMs: number; readonly cpuTotalNs: number }): void {
  if (known.base === undefined) {
    known.base = sample;
    return;
  }
  const passedMs = sample.timeMs - known.base.timeMs;
  if (passedMs < leastRateMs) return;
  known.rateNs = ((sample.cpuTotalNs - known.base.cpuTotalNs) * 1000) / passedMs;
  known.base = sample;
}

function readCounters(folders: CgroupFolders): Counters | undefined {
  return folders.version === 1 ? readVersion1(folders) : readVersion2(folders.folder);
}

function readVersion1({ cpu, memory }: { readonly cpu: string; readonly memory: string }): Counters | undefined {
  const cpuUsage = readSmallFile(`${cpu}/cpuacct.usage`);
  const usage = readSmallFile(`${memory}/memory.usage_in_bytes`);
  const statText = readSmallFile(`${memory}/memory.stat`);
  if (cpuUsage === undefined || usage === undefined || statText === undefined) return undefined;
  const stat = parseFlatKeyed(statText);
  const usageBytes = Number(usage);
  return {
    cpuTotalNs: Number(cpuUsage),
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (stat.get('total_inactive_file') ?? 0)),
    rssBytes: stat.get('total_rss') ?? 0,
    ...limit(`${stat.get('hierarchical_memory_limit')}`),
    pageFaults: stat.get('total_pgfault') ?? 0,
    majorPageFaults: stat.get('total_pgmajfault') ?? 0,
  };
}

function readVersion2(folder: string): Counters | undefined {
  const cpuStat = readSmallFile(`${folder}/cpu.stat`);
  const usage = readSmallFile(`${folder}/memory.current`);
  const statText = readSmallFile(`${folder}/memory.stat`);
  if (cpuStat === undefined || usage === undefined || statText === undefined) return undefined;
  const stat = parseFlatKeyed(statText);
  const usageBytes = Number(usage);
  return {
    cpuTotalNs: (parseFlatKeyed(cpuStat).get('usage_usec') ?? 0) * 1000,
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - (stat.get('inactive_file') ?? 0)),
    rssBytes: stat.get('anon') ?? 0,
    ...limit(readSmallFile(`${folder}/memory.max`) ?? 'max'),
    pageFaults: stat.get('pgfault') ?? 0,
    majorPageFaults: stat.get('pgmajfault') ?? 0,
  };
}

function limit(text: string): { readonly memoryLimitBytes?: number } {
  const bytes = parseLimit(text);
  return bytes === undefined ? {} : { memoryLimitBytes: bytes };
}
