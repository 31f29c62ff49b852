import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ActualPod, runningAttempts } from '../../engine/pod/actual-pod.ts';
import type { ContainerUsage, PodUsage, Usage } from '../../provider/usage.ts';
import type { ContainerSample, UsageSource } from '../../runtime/usage.ts';

/** Pods read before others have their turn: some milliseconds. */
const podsATurn = 100;

/** What the pods use now. */
export async function readUsage(
  { source, pods }: { readonly source: UsageSource; readonly pods: readonly ActualPod[] },
  { signal }: { readonly signal: AbortSignal },
): Promise<Usage> {
  const usages: PodUsage[] = [];
  for (const [index, pod] of pods.entries()) {
    if (index % podsATurn === podsATurn - 1) {
      await nextTurn();
      signal.throwIfAborted();
    }
    const usage = podUsage(source, pod);
    if (usage !== undefined) usages.push(usage);
  }
  source.forgetOthers();
  return { pods: usages };
}

/** Undefined where nothing of it runs. */
function podUsage(source: UsageSource, pod: ActualPod): PodUsage | undefined {
  const containers: ContainerUsage[] = [];
  let anyPid: number | undefined;
  for (const { id, name, state } of runningAttempts(pod)) {
    if (state.kind !== 'running') continue;
    anyPid ??= state.pid;
    const sample = source.container(id, state.pid);
    if (sample !== undefined) containers.push(containerUsage(name, state.startedAtMs, sample));
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
  };
}

function containerUsage(name: string, startedAtMs: number, sample: ContainerSample): ContainerUsage {
  const { timeMs, cpuTotalNs, cpuRateNs, memoryLimitBytes, workingSetBytes } = sample;
  return {
    name,
    startedAtMs,
    cpu: { timeMs, totalNs: cpuTotalNs, ...(cpuRateNs === undefined ? {} : { rateNs: cpuRateNs }) },
    memory: {
      timeMs,
      workingSetBytes,
      usageBytes: sample.usageBytes,
      rssBytes: sample.rssBytes,
      ...(memoryLimitBytes === undefined ? {} : { availableBytes: memoryLimitBytes - workingSetBytes }),
      pageFaults: sample.pageFaults,
      majorPageFaults: sample.majorPageFaults,
    },
  };
}
