import type { CpuUsage, MemoryUsage, NodeUsage, PodUsage, Usage } from '../../provider/usage.ts';

/**
 * A pod's usage: what the provider says of it as a whole, else the sum of its containers. Memory is limited for the pod
 * where it is for each of them, as with kubelet.
 */
export function podTotals(pod: PodUsage): {
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
} {
  return {
    cpu: pod.cpu ?? sumCpu(pod.containers.map(({ cpu }) => cpu)),
    memory: pod.memory ?? limitedSum(pod.containers.map(({ memory }) => memory)),
  };
}

/** The node's usage: what the provider says, else the sum of its pods and of us, and what that leaves of its capacity. */
export function nodeTotals({ node, pods }: Usage, startedAtMs: number): NodeUsage & { readonly startedAtMs: number } {
  const totals = [...pods.map(podTotals), ...(node?.kubelet === undefined ? [] : [node.kubelet])];
  const cpu = node?.cpu ?? sumCpu(totals.map((total) => total.cpu));
  const sum = sumMemory(totals.map((total) => total.memory));
  const memory = node?.memory ?? (sum && node?.capacity ? within(sum, node.capacity.memoryBytes) : sum);
  return {
    startedAtMs,
    ...node,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
}

function within(memory: MemoryUsage, capacityBytes: number): MemoryUsage {
  return { ...memory, availableBytes: Math.max(0, capacityBytes - memory.workingSetBytes) };
}

function limitedSum(parts: readonly (MemoryUsage | undefined)[]): MemoryUsage | undefined {
  const sum = sumMemory(parts);
  const availableBytes = sumKnown(parts.map((part) => part?.availableBytes));
  return sum && { ...sum, ...(availableBytes === undefined ? {} : { availableBytes }) };
}

function sumCpu(parts: readonly (CpuUsage | undefined)[]): CpuUsage | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  const rateNs = sumKnown(known.map((part) => part.rateNs));
  return {
    timeMs: newest(known),
    totalNs: known.reduce((sum, { totalNs }) => sum + totalNs, 0),
    ...(rateNs === undefined ? {} : { rateNs }),
  };
}

function sumMemory(parts: readonly (MemoryUsage | undefined)[]): MemoryUsage | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length === 0) return undefined;
  const usageBytes = sumKnown(known.map((part) => part.usageBytes));
  const rssBytes = sumKnown(known.map((part) => part.rssBytes));
  const swapBytes = sumKnown(known.map((part) => part.swapBytes));
  return {
    timeMs: newest(known),
    workingSetBytes: known.reduce((sum, { workingSetBytes }) => sum + workingSetBytes, 0),
    ...(usageBytes === undefined ? {} : { usageBytes }),
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(swapBytes === undefined ? {} : { swapBytes }),
  };
}

function newest(parts: readonly { readonly timeMs: number }[]): number {
  return parts.reduce((newest, { timeMs }) => Math.max(newest, timeMs), 0);
}

/** The sum, where every part is known: half a sum would be a wrong number. */
function sumKnown(parts: readonly (number | undefined)[]): number | undefined {
  return parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum + part),
    0,
  );
}
