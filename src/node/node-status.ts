import type { Node, NodeCondition, NodeStatus } from '../kubernetes/objects.ts';
import type { NodeOffer } from '../provider/provider.ts';
import { toRfc3339 } from '../support/clock.ts';

export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

/** What a node is called and where it is found; fixed for the life of a process. */
export interface NodeIdentity {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly operatingSystem: string;
  /** Port of the kubelet API. */
  readonly kubeletPort: number;
  /** Undefined: none is set, and one that we set earlier is taken away. */
  readonly taint: Taint | undefined;
  /** As `kubectl get nodes` shows it: see `kubeletVersion`. */
  readonly kubeletVersion: string;
}

/** Whether pods can be run here now. */
export type NodeHealth =
  | { readonly kind: 'ready' }
  /** `reason` is one CamelCase word. */
  | { readonly kind: 'not-ready'; readonly reason: string; readonly message: string };

/** The node as we want it. */
export interface DesiredNode {
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly providerId: string | undefined;
  readonly status: NodeStatus;
  /** False while the provider has not described itself: what is missing then is not known rather than not wanted. */
  readonly isComplete: boolean;
}

/** The Kubernetes whose kubelet we follow; also what the scheduler and version skew checks read. */
const kubernetesVersion = 'v1.36.3';

/** `v1.36.3-vk-0.1.0`: a semantic version (with a pre-release) that names both. */
export function kubeletVersion(ownVersion: string): string {
  return `${kubernetesVersion}-vk-${ownVersion}`;
}

/**
 * Kubelet's features that the API server asks a node for, sorted: with this one it hands a client's WebSocket through to
 * us (from 1.36), else it speaks SPDY to us. We take both.
 */
const declaredFeatures = ['ExtendWebSocketsToKubelet'];

/** The labels of every virtual node, as the Go virtual kubelet has them, and the provider's own. */
export function nodeLabels(
  { nodeName, operatingSystem }: Pick<NodeIdentity, 'nodeName' | 'operatingSystem'>,
  offer?: NodeOffer,
): Readonly<Record<string, string>> {
  return {
    type: 'virtual-kubelet',
    'kubernetes.io/role': 'agent',
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': offer?.operatingSystem ?? operatingSystem,
    ...(offer === undefined ? {} : { 'kubernetes.io/arch': offer.architecture }),
    'alpha.service-controller.kubernetes.io/exclude-balancer': 'true',
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
    ...offer?.labels,
  };
}

export interface DesiredNodeInput {
  readonly identity: NodeIdentity;
  /** Undefined while the provider has not described itself. */
  readonly offer: NodeOffer | undefined;
  readonly health: NodeHealth;
  readonly nowMs: number;
  /** The status that the API server has, for the times at which conditions changed. */
  readonly present: NodeStatus | undefined;
}

/** The whole of a node: labels, taint and status with the conditions of kubelet. */
export function desiredNode(input: DesiredNodeInput): DesiredNode {
  const { identity, offer } = input;
  return {
    nodeName: identity.nodeName,
    labels: nodeLabels(identity, offer),
    taints: identity.taint === undefined ? [] : [identity.taint],
    providerId: offer?.providerId,
    status: {
      ...(offer === undefined ? {} : offeredStatus(identity, offer)),
      addresses: [
        { type: 'InternalIP', address: identity.nodeIp },
        { type: 'Hostname', address: identity.nodeName },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: identity.kubeletPort } },
      conditions: conditions(input),
      declaredFeatures,
    },
    isComplete: offer !== undefined,
  };
}

function offeredStatus(identity: NodeIdentity, offer: NodeOffer): NodeStatus {
  return {
    capacity: { ...offer.capacity },
    allocatable: { ...offer.capacity, ...offer.allocatable },
    nodeInfo: {
      architecture: offer.architecture,
      operatingSystem: offer.operatingSystem ?? identity.operatingSystem,
      containerRuntimeVersion: offer.containerRuntimeVersion,
      kubeletVersion: identity.kubeletVersion,
      osImage: offer.osImage ?? '',
      kernelVersion: offer.kernelVersion ?? '',
      // A virtual node is no machine, so it has the id of none; deprecated kubeProxyVersion has been empty since 1.31.
      machineID: '',
      systemUUID: '',
      bootID: '',
      kubeProxyVersion: '',
    },
  };
}

type Verdict = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

/** kubelet's words (`pkg/kubelet/nodestatus/setters.go`); the last is the route controller's. */
const wellKnown: readonly Verdict[] = [
  healthy('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
  healthy('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
  healthy('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
  healthy('NetworkUnavailable', 'RouteCreated', 'RouteController created a route'),
];

function healthy(type: string, reason: string, message: string): Verdict {
  return { type, status: 'False', reason, message };
}

/** Whether the node is Ready is not the provider's to say (`offered`), but in which words it is. */
function readyVerdict(health: NodeHealth, offered: Verdict | undefined): Verdict {
  if (health.kind === 'ready') {
    const { reason = 'KubeletReady', message = 'kubelet is posting ready status' } = offered ?? {};
    return { type: 'Ready', status: 'True', reason, message };
  }
  return { type: 'Ready', status: 'False', reason: health.reason, message: health.message };
}

/** The five of every node, in place of the first four what the provider says of them, and what it adds. */
function conditions({ offer, health, nowMs, present }: DesiredNodeInput): NodeCondition[] {
  const byType = new Map<string, Verdict>(wellKnown.map((verdict) => [verdict.type, verdict]));
  for (const { type, status, reason, message } of offer?.conditions ?? []) {
    byType.set(type, { type, status, ...(reason && { reason }), ...(message && { message }) });
  }
  const offeredReady = byType.get('Ready');
  byType.delete('Ready');
  return [...byType.values(), readyVerdict(health, offeredReady)].map((verdict) => {
    const before = present?.conditions?.find(({ type }) => type === verdict.type);
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    const now = toRfc3339(nowMs);
    return { ...verdict, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
  });
}
