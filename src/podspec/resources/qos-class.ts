import type { Pod } from '../../kubernetes/objects.ts';
import { type ResourceAmounts, resourceAmounts, sumOf } from './resource-list.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * The pod's quality of service class: the one the API server wrote, which never changes, else as kubelet's
 * `ComputePodQOS` finds it.
 */
export function qosClass(pod: Pod): QosClass {
  const written = pod.status?.qosClass;
  if (written === 'Guaranteed' || written === 'Burstable' || written === 'BestEffort') return written;
  return computeQosClass(pod);
}

function computeQosClass(pod: Pod): QosClass {
  const parts = pod.spec?.resources
    ? [pod.spec.resources]
    : [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map((each) => each.resources ?? {});

  let requests: ResourceAmounts = new Map();
  let limits: ResourceAmounts = new Map();
  let allLimited = true;
  for (const part of parts) {
    const limited = cpuAndMemory(part.limits);
    requests = sumOf(requests, cpuAndMemory(part.requests));
    limits = sumOf(limits, limited);
    allLimited &&= limited.size === 2;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const equal = requests.size === limits.size && [...requests].every(([name, amount]) => limits.get(name) === amount);
  return allLimited && equal ? 'Guaranteed' : 'Burstable';
}

/** Amounts above zero of the two resources that count. */
function cpuAndMemory(list: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  return new Map(
    [...resourceAmounts(list)].filter(([name, amount]) => (name === 'cpu' || name === 'memory') && amount > 0n),
  );
}
