import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogSize } from '../../engine/logs/log-sizes.ts';
import { type ActualPod, runningAttempts } from '../../engine/pod/actual-pod.ts';
import type { ContainerLimits, ContainerUsage, MemoryUsage, PodUsage, Usage } from '../../provider/usage.ts';
import type { ContainerSample, CpuShare, UsageSource } from '../../runtime/usage.ts';

/** Pods read before others have their turn: some milliseconds. */
const podsATurn = 100;

interface Sources {
  readonly source: UsageSource;
  /** Of a container by its id, as it was found last; undefined where it was not looked at yet. */
  readonly logSize: (container: string) => LogSize | undefined;
}

/** What the pods use now. */
export async function readUsage(
  { source, pods, logSize }: Sources & { readonly pods: readonly ActualPod[] },
  { signal }: { readonly signal: AbortSignal },
): Promise<Usage> {
  const usages: PodUsage[] = [];
  for (const [index, pod] of pods.entries()) {
    if (index % podsATurn === podsATurn - 1) {
      await nextTurn();
      signal.throwIfAborted();
    }
    const usage = podUsage({ source, logSize }, pod);
    if (usage !== undefined) usages.push(usage);
  }
  source.forgetOthers();
  return { pods: usages };
}

/** Undefined where nothing of it runs. */
function podUsage({ source, logSize }: Sources, pod: ActualPod): PodUsage | undefined {
  const containers: ContainerUsage[] = [];
  let anyPid: number | undefined;
  for (const { id, name, state } of runningAttempts(pod)) {
    if (state.kind !== 'running') continue;
    anyPid ??= state.pid;
    const sample = source.container(id, state.pid);
    if (sample !== undefined)
      containers.push({ ...containerUsage(name, state.startedAtMs, sample), ...logs(logSize(id)) });
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
