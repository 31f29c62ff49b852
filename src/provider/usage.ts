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
  /** Undefined where there is no limit. */
  readonly availableBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
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
  }[];
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

export interface NodeUsage {
  readonly startedAtMs: number;
  readonly cpu?: CpuUsage;
  readonly memory?: MemoryUsage;
  readonly network?: NetworkUsage;
  readonly filesystem?: FilesystemUsage;
}

/** What is used now, in one piece, read by one call to the backend or few. */
export interface Usage {
  /** Undefined, or its CPU and memory: the sum of the pods, CPU time of ended ones included. */
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
