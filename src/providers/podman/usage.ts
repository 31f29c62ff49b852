import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DiskSize } from '../../engine/disk/disk-sizes.ts';
import type { Engine } from '../../engine/engine.ts';
import type { LogSize } from '../../engine/logs/log-sizes.ts';
import { type ActualPod, runningAttempts } from '../../engine/pod/actual-pod.ts';
import type { VolumeSize } from '../../engine/pod-storage.ts';
import type {
  ContainerLimits,
  ContainerUsage,
  FilesystemUsage,
  MemoryUsage,
  PodUsage,
  Usage,
} from '../../provider/usage.ts';
import type { ContainerSample, CpuShare, UsageSource } from '../../runtime/usage.ts';

/** Pods read before others have their turn: some milliseconds. */
const podsATurn = 100;

interface Sources {
  readonly source: UsageSource;
  readonly sizes: Pick<Engine, 'logSize' | 'storage'>;
}

/** What the pods use now. */
export async function readUsage(
  { source, sizes, pods }: Sources & { readonly pods: readonly ActualPod[] },
  { signal }: { readonly signal: AbortSignal },
): Promise<Usage> {
  const usages: PodUsage[] = [];
  for (const [index, pod] of pods.entries()) {
    if (index % podsATurn === podsATurn - 1) {
      await nextTurn();
      signal.throwIfAborted();
    }
    const usage = podUsage({ source, sizes }, pod);
    if (usage !== undefined) usages.push(usage);
  }
  source.forgetOthers();
  return { pods: usages };
}

/** Undefined where nothing of it runs. */
function podUsage({ source, sizes }: Sources, pod: ActualPod): PodUsage | undefined {
  const containers: ContainerUsage[] = [];
  let anyPid: number | undefined;
  for (const { id, name, state } of runningAttempts(pod)) {
    if (state.kind !== 'running') continue;
    anyPid ??= state.pid;
    const sample = source.container(id, state.pid);
    if (sample === undefined) continue;
    containers.push({
      ...containerUsage(name, state.startedAtMs, sample),
      ...logs(sizes.logSize(id)),
      ...rootfs(sizes.storage.layerSize(id)),
    });
  }
  if (anyPid === undefined || containers.length === 0) return undefined;
  const timeMs = containers[0]?.cpu?.timeMs ?? 0;
  // With the host's network, what goes through it is not the pod's.
  const hasOwnNetwork = pod.sandboxes.some(({ ready, ips }) => ready && ips.length > 0);
  const interfaces = hasOwnNetwork ? source.network(anyPid) : undefined;
  return {
    ref: pod.ref,
    startedAtMs: Math.min(...containers.map(({ startedAtMs }) => startedAtMs)),
    containers,
    ...(interfaces === undefined ? {} : { network: { timeMs, interfaces } }),
    ...processesOf(containers),
    ...disksOf(containers, sizes.storage.volumeSizes(pod.ref.uid)),
  };
}

/** What the pod takes of the disk is what its containers, their logs and its volumes there do, as with kubelet. */
function disksOf(
  containers: readonly ContainerUsage[],
  volumes: readonly VolumeSize[],
): Pick<PodUsage, 'ephemeralStorage' | 'volumes'> {
  const parts = containers.flatMap(({ rootfs, logs }) => [rootfs, logs]).filter((part) => part !== undefined);
  const local = volumes.filter(({ isOnDisk }) => isOnDisk).map(filesystemUsage);
  return {
    ...(volumes.length === 0
      ? {}
      : { volumes: volumes.map((size) => ({ name: size.name, ...filesystemUsage(size) })) }),
    ...sumOf([...parts, ...local]),
  };
}

function sumOf(parts: readonly FilesystemUsage[]): Pick<PodUsage, 'ephemeralStorage'> {
  if (parts.length === 0) return {};
  const sum = (read: (part: FilesystemUsage) => number | undefined): number =>
    parts.reduce((total, part) => total + (read(part) ?? 0), 0);
  return {
    ephemeralStorage: {
      timeMs: Math.min(...parts.map(({ timeMs }) => timeMs)),
      usedBytes: sum(({ usedBytes }) => usedBytes),
      inodesUsed: sum(({ inodesUsed }) => inodesUsed),
    },
  };
}

/** Of all its containers, where each is known. */
function processesOf(containers: readonly ContainerUsage[]): Pick<PodUsage, 'processes'> {
  let sum = 0;
  for (const { processes } of containers) {
    if (processes === undefined) return {};
    sum += processes;
  }
  return { processes: sum };
}

function containerUsage(name: string, startedAtMs: number, sample: ContainerSample): ContainerUsage {
  const { timeMs, cpuTotalNs, cpuRateNs, cpuShare, throttling, disks, memoryLimitBytes } = sample;
  return {
    name,
    startedAtMs,
    cpu: { timeMs, totalNs: cpuTotalNs, ...(cpuRateNs === undefined ? {} : { rateNs: cpuRateNs }) },
    memory: memoryUsage(sample),
    ...(throttling === undefined ? {} : { throttling: { timeMs, ...throttling } }),
    ...(disks === undefined ? {} : { disk: { timeMs, disks } }),
    ...(cpuShare === undefined ? {} : { limits: limits(cpuShare, memoryLimitBytes) }),
    ...(sample.processes === undefined ? {} : { processes: sample.processes }),
    ...(sample.threads === undefined ? {} : { threads: sample.threads }),
  };
}

function logs(size: LogSize | undefined): Pick<ContainerUsage, 'logs'> {
  return size === undefined ? {} : { logs: { timeMs: size.timeMs, usedBytes: size.bytes } };
}

function rootfs(size: DiskSize | undefined): Pick<ContainerUsage, 'rootfs'> {
  return size === undefined ? {} : { rootfs: filesystemUsage(size) };
}

function filesystemUsage({ timeMs, bytes, inodes, filesystem }: DiskSize): FilesystemUsage {
  return { timeMs, ...filesystem, usedBytes: bytes, inodesUsed: inodes };
}

function memoryUsage(sample: ContainerSample): MemoryUsage {
  const { memoryLimitBytes, workingSetBytes } = sample;
  return {
    timeMs: sample.timeMs,
    workingSetBytes,
    usageBytes: sample.usageBytes,
    rssBytes: sample.rssBytes,
    ...(sample.cacheBytes === undefined ? {} : { cacheBytes: sample.cacheBytes }),
    ...(sample.swapBytes === undefined ? {} : { swapBytes: sample.swapBytes }),
    ...(memoryLimitBytes === undefined ? {} : { availableBytes: memoryLimitBytes - workingSetBytes }),
    pageFaults: sample.pageFaults,
    majorPageFaults: sample.majorPageFaults,
    ...(sample.oomKills === undefined ? {} : { oomKills: sample.oomKills }),
  };
}

function limits({ shares, periodUs, quotaUs }: CpuShare, memoryLimitBytes: number | undefined): ContainerLimits {
  return {
    cpuShares: shares,
    cpuPeriodUs: periodUs,
    ...(quotaUs === undefined ? {} : { cpuQuotaUs: quotaUs }),
    ...(memoryLimitBytes === undefined ? {} : { memoryBytes: memoryLimitBytes }),
  };
}
