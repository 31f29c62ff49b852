import type { Container, Pod } from '../../kubernetes/objects.ts';
import { isSidecar } from '../containers.ts';
import { largerOf, type ResourceAmounts, resourceAmounts, sumOf } from './resource-list.ts';

/**
 * What a pod needs at most at one time, overhead included: the sum of its containers and sidecars, or what its most
 * demanding init container needs beside the sidecars before it; pod-level requests stand in place of the sum. This is
 * the scheduler's and kubelet's reckoning (component-helpers `PodRequests`).
 */
export function podRequests(pod: Pod): ResourceAmounts {
  const requests = overridden(containerRequests(pod), podLevel(pod.spec?.resources?.requests));
  return sumOf(requests, resourceAmounts(pod.spec?.overhead));
}

/** As `podRequests`, without overhead and whatever is requested for the pod as a whole. */
export function containerRequests(pod: Pod): ResourceAmounts {
  return atOneTime(pod, (container) => resourceAmounts(container.resources?.requests));
}

/** As `podRequests`, for limits; overhead is added to limited resources only. */
export function podLimits(pod: Pod): ResourceAmounts {
  const total = atOneTime(pod, (container) => resourceAmounts(container.resources?.limits));
  const limits = overridden(total, podLevel(pod.spec?.resources?.limits));
  const overhead = [...resourceAmounts(pod.spec?.overhead)].filter(([name]) => (limits.get(name) ?? 0n) !== 0n);
  return sumOf(limits, new Map(overhead));
}

function atOneTime(pod: Pod, amounts: (container: Container) => ResourceAmounts): ResourceAmounts {
  let total: ResourceAmounts = new Map();
  for (const container of pod.spec?.containers ?? []) total = sumOf(total, amounts(container));

  let sidecars: ResourceAmounts = new Map();
  let initializing: ResourceAmounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const own = amounts(container);
    const meanwhile = sumOf(sidecars, own);
    if (isSidecar(container)) {
      total = sumOf(total, own);
      sidecars = meanwhile;
    }
    initializing = largerOf(initializing, meanwhile);
  }
  return largerOf(total, initializing);
}

/** Only these can be set for a pod as a whole. */
function podLevel(list: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  return new Map(
    [...resourceAmounts(list)].filter(([name]) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')),
  );
}

function overridden(base: ResourceAmounts, by: ResourceAmounts): ResourceAmounts {
  return new Map([...base, ...by]);
}
