/** What one container uses. CPU time never falls while it runs. */
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
  /** Undefined for no limit. */
  readonly memoryLimitBytes?: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
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

/** Reads what containers use now, without asking the runtime: some ten thousand of them a second. */
export interface UsageSource {
  /** Undefined where it has ended, or cannot be seen from here. */
  container(id: string, pid: number): ContainerSample | undefined;
  /** Interfaces of the network that a process is in, loopback left out. */
  network(pid: number): readonly InterfaceSample[] | undefined;
  /** Forgets the containers that were not sampled since the last call. */
  forgetOthers(): void;
}
