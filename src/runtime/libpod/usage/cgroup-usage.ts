import type { Clock } from '../../../support/clock.ts';
import type { ContainerSample, InterfaceSample, UsageSource } from '../../usage.ts';
import { type CgroupFolders, type CgroupMounts, findCgroup, parseCgroupMounts } from './cgroup-files.ts';
import { parseNetDev } from './cgroup-values.ts';
import type { Counters } from './counters.ts';
import { type DeviceName, deviceNames } from './device-names.ts';
import { readSmallFile } from './read-small-file.ts';
import { readVersion1 } from './read-version-1.ts';
import { readVersion2 } from './read-version-2.ts';

/** A rate over less says little. */
const leastRateMs = 1000;

interface Known {
  readonly folders: CgroupFolders;
  /** The sample that rates are reckoned from, and the last rate. */
  base: { readonly timeMs: number; readonly cpuTotalNs: number } | undefined;
  rateNs: number | undefined;
  isSampled: boolean;
}

/** What containers of this machine use, from the files of their cgroups, version 1 and 2: a dozen reads each. */
export class CgroupUsage implements UsageSource {
  readonly #clock: Clock;
  readonly #procPath: string;
  readonly #deviceName: DeviceName;
  readonly #known = new Map<string, Known>();
  #mounts: CgroupMounts | undefined;

  constructor({
    clock,
    procPath = '/proc',
    sysPath = '/sys',
  }: {
    readonly clock: Clock;
    readonly procPath?: string;
    readonly sysPath?: string;
  }) {
    this.#clock = clock;
    this.#procPath = procPath;
    this.#deviceName = deviceNames(sysPath);
  }

  container(id: string, pid: number): ContainerSample | undefined {
    const known = this.#known.get(id) ?? this.#find(id, pid);
    const counters = known && readCounters(known.folders, this.#deviceName);
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

function readCounters(folders: CgroupFolders, deviceName: DeviceName): Counters | undefined {
  return folders.version === 1 ? readVersion1(folders, deviceName) : readVersion2(folders.folder, deviceName);
}
