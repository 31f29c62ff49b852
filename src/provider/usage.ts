import type { PodRef } from '../kubernetes/objects.ts';

/** Whatever is undefined is not known to the provider, and is left out of what we serve. */

export interface CpuUsage {
  /** When it was read, in milliseconds since the epoch; rates are reckoned from it. */
  readonly timeMs: number;
  /** CPU time used since the container or node started, in nanoseconds. Never falls while it runs. */
  readonly totalNs: number;
  /** CPU time used a second of late, in nanoseconds: 1e9 is one whole core. */
  readonly rateNs?: number;
}

export interface MemoryUsage {
  readonly timeMs: number;
  /** In use and not easily given back: what the scheduler's eviction and `kubectl top` mean. */
  readonly workingSetBytes: number;
  /** All that is in use, caches included. */
  readonly usageBytes?: number;
  readonly rssBytes?: number;
  /** Of files. */
  readonly cacheBytes?: number;
  readonly swapBytes?: number;
  /** Undefined where there is no limit. */
  readonly availableBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  /** How many processes the kernel has killed for want of it. */
  readonly oomKills?: number;
}

export interface NetworkUsage {
  readonly timeMs: number;
  /** The first is the default one. */
  readonly interfaces: readonly {
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
  }[];
}

/** What was read from and written to block devices, past all caches, since the container started. */
export interface DiskUsage {
  readonly timeMs: number;
  readonly disks: readonly {
    /** As `/dev/sda`. */
    readonly device: string;
    readonly readBytes: number;
    readonly writtenBytes: number;
    readonly reads: number;
    readonly writes: number;
  }[];
}

/** How often a limit of CPU has held a container up since it started. */
export interface Throttling {
  readonly timeMs: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
}

/** What is set for a container, as it is in force. */
export interface ContainerLimits {
  /** Its part where CPUs are short: 1024 for one core asked for. */
  readonly cpuShares: number;
  readonly cpuPeriodUs: number;
  /** CPU time in each period, in microseconds. Undefined for no limit. */
  readonly cpuQuotaUs?: number;
  /** Undefined for no limit. */
  readonly memoryBytes?: number;
}

export interface FilesystemUsage {
  readonly timeMs: number;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly inodesUsed?: number;
}

export interface ContainerUsage {
  /** The name in the pod's spec. */
  readonly name: string;
  /** Of its present attempt. */
  readonly startedAtMs: number;
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  /** Its writable layer. */
  readonly rootfs?: FilesystemUsage;
  readonly logs?: FilesystemUsage;
  readonly disk?: DiskUsage;
  /** Undefined too where CPU has no limit. */
  readonly throttling?: Throttling;
  readonly limits?: ContainerLimits;
  readonly processes?: number;
  readonly threads?: number;
}

export interface PodUsage {
  readonly ref: PodRef;
  readonly startedAtMs: number;
  /** Running ones only. */
  readonly containers: readonly ContainerUsage[];
  /** Undefined: the sum of its containers, ended ones included. */
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  readonly network?: NetworkUsage;
  readonly ephemeralStorage?: FilesystemUsage;
  readonly volumes?: readonly (FilesystemUsage & { readonly name: string; readonly claim?: string })[];
  readonly processes?: number;
}

/** What runs on the node beside pods: kubelet's system containers. */
export interface SystemUsage {
  readonly startedAtMs: number;
  /** Never falls while it runs. */
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
}

export interface NodeUsage {
  /** Undefined: since we began to look, as CPU time is counted from then. */
  readonly startedAtMs?: number;
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  /** Of the virtual kubelet itself, where it runs on what it calls its node. */
  readonly kubelet?: SystemUsage;
  readonly network?: NetworkUsage;
  /** Where volumes and what belongs to pods are kept. */
  readonly filesystem?: FilesystemUsage;
  /** Where images and the writable layers of containers are kept. */
  readonly imageFilesystem?: FilesystemUsage;
  /** What the node has in all, as its status says. */
  readonly capacity?: { readonly cpus: number; readonly memoryBytes: number };
}

/** What is used now, in one piece, read by one call to the backend or few. */
export interface Usage {
  /** Undefined, or its CPU and memory: the sum of the pods and of what runs beside them, CPU time of ended ones included. */
  readonly node?: NodeUsage;
  readonly pods: readonly PodUsage[];
}

export type ProbeKind = 'Liveness' | 'Readiness' | 'Startup';

/** How often the probes of one container have ended how, since the provider began to count. */
export interface ProbeCount {
  readonly pod: PodRef;
  readonly container: string;
  readonly probe: ProbeKind;
  readonly successful: number;
  readonly failed: number;
  /** Could not be carried out or gave no answer that says either. */
  readonly unknown: number;
}
