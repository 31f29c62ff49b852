import type { Container, Pod } from '../../kubernetes/objects.ts';
import { isSidecar } from '../containers.ts';
import { containerRequests, podLimits, podRequests } from './pod-resources.ts';
import { qosClass } from './qos-class.ts';
import { milliUnits, wholeUnits } from './quantity.ts';
import { resourceAmounts } from './resource-list.ts';

/** What a container's cgroup is set to, in the words and with the bounds of kubelet. */
export interface CgroupLimits {
  /** Relative weight as cgroup v1's cpu.shares. */
  readonly cpuShares: number;
  /** Microseconds of CPU time per period; absent for no limit. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs: number;
  /** Absent for no limit. */
  readonly memoryLimitBytes?: number;
}

const minShares = 2;
const maxShares = 262_144;
/** kubelet's `cpuCFSQuotaPeriod` default. */
const cpuPeriodUs = 100_000;
const minQuotaUs = 1000;

/** A container's requests and limits as cgroup values; a CPU request left out is the limit, as for kubelet. */
export function cgroupLimits(container: Container): CgroupLimits {
  const requests = resourceAmounts(container.resources?.requests);
  const limits = resourceAmounts(container.resources?.limits);
  const cpuLimitMilliCpu = milliUnits(limits.get('cpu') ?? 0n);
  const memoryLimitBytes = wholeUnits(limits.get('memory') ?? 0n);
  return {
    cpuShares: cpuSharesFromMilliCpu(milliUnits(requests.get('cpu') ?? limits.get('cpu') ?? 0n)),
    cpuPeriodUs,
    ...(cpuLimitMilliCpu > 0 && { cpuQuotaUs: quotaUsFromMilliCpu(cpuLimitMilliCpu) }),
    ...(memoryLimitBytes > 0 && { memoryLimitBytes }),
  };
}

/**
 * What the cgroup around the containers of a pod is set to, where the pod asks for resources as a whole; undefined where
 * it does not (kubelet's `ResourceConfigForPod`). What is left out for the pod is the sum of its containers, a limit only
 * where each of them has one.
 */
export function podCgroupLimits(pod: Pod): CgroupLimits | undefined {
  const own = pod.spec?.resources;
  if (own === undefined || Object.keys({ ...own.requests, ...own.limits }).length === 0) return undefined;
  const [requests, limits] = [podRequests(pod), podLimits(pod)];
  const cpuLimit = isLimited(pod, 'cpu') ? milliUnits(limits.get('cpu') ?? 0n) : 0;
  const memoryLimitBytes = podMemoryLimit(pod);
  return {
    cpuShares: cpuSharesFromMilliCpu(milliUnits(requests.get('cpu') ?? limits.get('cpu') ?? 0n)),
    cpuPeriodUs,
    ...(cpuLimit > 0 && { cpuQuotaUs: quotaUsFromMilliCpu(cpuLimit) }),
    ...(memoryLimitBytes > 0 && { memoryLimitBytes }),
  };
}

/** In bytes; 0 for none. */
export function podMemoryLimit(pod: Pod): number {
  return isLimited(pod, 'memory') ? wholeUnits(podLimits(pod).get('memory') ?? 0n) : 0;
}

function isLimited({ spec }: Pod, name: string): boolean {
  if (spec?.resources?.limits?.[name] !== undefined) return true;
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return all.every(({ resources }) => resources?.limits?.[name] !== undefined);
}

/** CPU shares for a request; nothing requested is the least there is (kubelet's `MilliCPUToShares`). */
export function cpuSharesFromMilliCpu(milliCpu: number): number {
  return Math.min(Math.max(Math.floor((milliCpu * 1024) / 1000), minShares), maxShares);
}

/** Microseconds of CPU time in a period of 100 ms for a limit above zero, 1 ms at least. */
export function quotaUsFromMilliCpu(milliCpu: number): number {
  return Math.max(Math.floor((milliCpu * cpuPeriodUs) / 1000), minQuotaUs);
}

const guaranteedScore = -997;
const bestEffortScore = 1000;

/**
 * oom_score_adj of a container on a node with `memoryCapacityBytes`: the more of the node a burstable pod requests,
 * the later it is killed (kubelet's `GetContainerOOMScoreAdjust`).
 */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if (pod.spec?.priorityClassName === 'system-node-critical') return guaranteedScore;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return guaranteedScore;
  if (qos === 'BestEffort') return bestEffortScore;

  const sharedBytes = podRequestBytesPerContainer(pod);
  const scoreOf = (bytes: number): number => 1000 - Math.floor((1000 * (bytes + sharedBytes)) / memoryCapacityBytes);
  let score = scoreOf(memoryRequestBytes(container));
  if (isSidecar(container)) {
    // A sidecar is killed no earlier than the containers it serves.
    score = Math.min(score, scoreOf(Math.min(...(pod.spec?.containers ?? []).map(memoryRequestBytes))));
  }
  return Math.max(1000 + guaranteedScore, score === bestEffortScore ? bestEffortScore - 1 : score);
}

/** Each container's part of a pod-level memory request that no container requests for itself. */
function podRequestBytesPerContainer(pod: Pod): number {
  const podRequest = resourceAmounts(pod.spec?.resources?.requests).get('memory');
  if (!podRequest) return 0;
  const unassigned = wholeUnits(podRequest) - wholeUnits(containerRequests(pod).get('memory') ?? 0n);
  const containers = (pod.spec?.containers ?? []).length + (pod.spec?.initContainers ?? []).length;
  return Math.trunc(unassigned / containers);
}

function memoryRequestBytes(container: Container): number {
  return wholeUnits(resourceAmounts(container.resources?.requests).get('memory') ?? 0n);
}
