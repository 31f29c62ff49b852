import type { Node, Pod } from '../../kubernetes/objects.ts';
import { matchesNodeAffinity } from './node-affinity.ts';
import type { NodeClaims } from './node-claims.ts';
import { podClaims, type Units, unitsOfList } from './pod-claims.ts';
import { toleratesNode } from './tolerations.ts';

/** Why a node does not take a pod: kubelet's word and kubelet's sentence. */
export interface NodeRefusal {
  readonly reason: string;
  readonly message: string;
}

/**
 * What keeps the pod from running on the node beside the pods that were admitted before it; undefined where it fits.
 * The checks, their order and their words are kubelet's (`pkg/kubelet/lifecycle/predicate.go`, with the scheduler's
 * `AdmissionCheck`): pods bound past the scheduler, or to a node that has changed since, are stopped by nothing else.
 * No other pod is evicted for a critical one.
 */
export function nodeRefusal(pod: Pod, node: Node, claims: NodeClaims): NodeRefusal | undefined {
  const wanted = podClaims(pod);
  const lacking = lackingResource(wanted.requests, node, claims);
  if (lacking !== undefined) return lacking;
  if (!matchesNodeAffinity(pod, node)) {
    return failedPredicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  }
  if (wanted.hostPorts.some((port) => claims.isTaken(port))) {
    return failedPredicate('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  }
  if (!toleratesNode(pod, node)) {
    return failedPredicate('TaintToleration', "node(s) had taints that the pod didn't tolerate");
  }
  return undefined;
}

/** In the order in which kubelet names the first one. */
const firstResources = ['cpu', 'memory', 'ephemeral-storage'];

function lackingResource(requests: Units, node: Node, claims: NodeClaims): NodeRefusal | undefined {
  const allocatable = unitsOfList(node.status?.allocatable ?? {});
  const podCapacity = allocatable.get('pods') ?? 0n;
  const podCount = BigInt(claims.podCount);
  if (podCount + 1n > podCapacity) return outOf('pods', { requested: 1n, used: podCount, capacity: podCapacity });
  for (const name of new Set([...firstResources, ...requests.keys()])) {
    const requested = requests.get(name) ?? 0n;
    const capacity = allocatable.get(name);
    if (requested === 0n || (capacity === undefined && isClusterLevel(name))) continue;
    const amounts = { requested, used: claims.requested(name), capacity: capacity ?? 0n };
    if (amounts.used + requested > amounts.capacity) return outOf(name, amounts);
  }
  return undefined;
}

/** Extended resources that a node does not have are somebody else's to give (kubelet's `removeMissingExtendedResources`). */
function isClusterLevel(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/');
}

interface Amounts {
  readonly requested: bigint;
  readonly used: bigint;
  readonly capacity: bigint;
}

function outOf(resource: string, { requested, used, capacity }: Amounts): NodeRefusal {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, ${amounts}` };
}

function failedPredicate(name: string, why: string): NodeRefusal {
  return { reason: name, message: `Predicate ${name} failed: ${why}` };
}
