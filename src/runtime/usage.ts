/** What a container has read from and written to one block device, past all caches, since it started. */
export interface DiskSample {
  /** As `/dev/sda`; as `8:0` where it has no such name. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** How the kernel shares CPUs out to a container. */
export interface CpuShare {
  /** As in version 1 of cgroups: 1024 for one core asked for. */
  readonly shares: number;
  readonly periodUs: number;
  /** CPU time in each period, in microseconds; undefined for no limit. */
  readonly quotaUs?: number;
}

/** How often the quota of CPU time has held a container up. */
export interface Throttling {
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
}

/** What one container uses. CPU time never falls while it runs. What the kernel does not say is undefined. */
export interface ContainerSample {
  readonly timeMs: number;
  readonly cpuTotalNs: number;
  /** CPU time used a second since the sample before, where there was one. 1e9 is one whole core. */
  readonly cpuRateNs?: number;
  /** In use and not easily given back. */
  readonly workingSetBytes: number;
  /** All that is in use, caches included. */
  readonly usageBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes?: number;
  readonly swapBytes?: number;
  /** Undefined for no limit. */
  readonly memoryLimitBytes?: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  /** Its processes that the kernel has killed for want of memory. */
  readonly oomKills?: number;
  readonly cpuShare?: CpuShare;
  readonly throttling?: Throttling;
  readonly processes?: number;
  readonly threads?: number;
  readonly disks?: readonly DiskSample[];
}

export interface InterfaceSample {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
  readonly packets?: {
    readonly rx: number;
    readonly rxDropped: number;
    readonly tx: number;
    readonly txDropped: number;
  };
}

/** Reads what containers use now, without asking the runtime: some thousands of them a second. */
export interface UsageSource {
  /** Undefined where it has ended, or cannot be seen from here. */
  container(id: string, pid: number): ContainerSample | undefined;
  /** Interfaces of the network that a process is in, loopback left out. */
  network(pid: number): readonly InterfaceSample[] | undefined;
  /** Forgets the containers that were not sampled since the last call. */
  forgetOthers(): void;
}
