import type { CpuUsage, MemoryUsage, NodeUsage, PodUsage, Usage } from '../../provider/usage.ts';

/** A pod's usage: what the provider says of it as a whole, else the sum of its containers. */
export function podTotals(pod: PodUsage): {
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
} {
  return {
    cpu: pod.cpu ?? sumCpu(pod.containers.map(({ cpu }) => cpu)),
    memory: pod.memory ?? sumMemory(pod.containers.map(({ memory }) => memory)),
  };
}

/** The node's usage: what the provider says, else the sum of its pods. */
export function nodeTotals({ node, pods }: Usage, startedAtMs: number): NodeUsage {
  const totals = pods.map(podTotals);
  const cpu = node?.cpu ?? sumCpu(totals.map((total) => total.cpu));
  const memory = node?.memory ?? sumMemory(totals.map((total) => total.memory));
  return {
    startedAtMs,
    ...node,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
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
