import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeStatus } from '../kubernetes/objects.ts';
import { parseQuantity } from '../podspec/resources/quantity.ts';
import { type AppliedNode, appliedAnnotations, nothingApplied } from './applied-node.ts';
import type { DesiredNode, Taint } from './node-status.ts';

export interface NodeMerge {
  readonly current: Node;
  /** What we set the last time. */
  readonly applied: AppliedNode;
  readonly desired: DesiredNode;
  /** Labels that the API server does not let us set. */
  readonly refusedLabels: ReadonlySet<string>;
  /** Whether the API server lets us change taints. */
  readonly mayTaint: boolean;
}

/** Body of a strategic merge patch; null takes a key away. */
export interface NodeObjectPatch {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string | null>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
    readonly resourceVersion?: string;
  };
  readonly spec?: { readonly taints?: readonly Taint[]; readonly providerID?: string };
}

/** Body of a strategic merge patch of the subresource `status`. */
export interface NodeStatusPatch {
  readonly status: Readonly<Record<string, unknown>>;
}

type StringMap = Readonly<Record<string, string>>;

/**
 * What to send to the node itself so that labels, taints and our annotations become as desired: what we set earlier and
 * want no longer goes, what others set stays. Undefined where nothing differs. Taints are one list that cannot be merged
 * by key, so a patch with taints carries the resource version it was made for and can end in `Conflict`.
 */
export function nodeObjectPatch(merge: NodeMerge): NodeObjectPatch | undefined {
  const { current, applied, desired, refusedLabels } = merge;
  const wanted = Object.fromEntries(Object.entries(desired.labels).filter(([key]) => !refusedLabels.has(key)));
  const owned = desired.isComplete ? applied : nothingApplied;
  const unwanted = [...owned.labels].filter((key) => !refusedLabels.has(key));
  const labels = mapPatch(current.metadata?.labels, wanted, unwanted);
  const annotations = desired.isComplete
    ? mapPatch(current.metadata?.annotations, appliedAnnotations(desired, refusedLabels), [])
    : undefined;
  const taints = merge.mayTaint ? changedTaints(merge) : undefined;
  const { resourceVersion } = current.metadata ?? {};
  const providerID = current.spec?.providerID ? undefined : desired.providerId;
  if (!labels && !annotations && !taints && providerID === undefined) return undefined;
  return {
    metadata: {
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(taints && resourceVersion !== undefined && { resourceVersion }),
    },
    ...((taints || providerID !== undefined) && {
      spec: { ...(taints && { taints }), ...(providerID !== undefined && { providerID }) },
    }),
  };
}

/**
 * What to send to the node's status: likewise merged. Undefined where nothing differs but the conditions' heartbeat,
 * unless `heartbeat` asks for that too.
 */
export function nodeStatusPatch(
  merge: NodeMerge,
  { heartbeat }: { readonly heartbeat: boolean },
): NodeStatusPatch | undefined {
  const { desired } = merge;
  const owned = desired.isComplete ? merge.applied : nothingApplied;
  const current: NodeStatus = merge.current.status ?? {};
  const { status } = desired;
  const capacity = status.capacity && mapPatch(current.capacity, status.capacity, owned.capacity, isSameQuantity);
  const allocatable =
    status.allocatable && mapPatch(current.allocatable, status.allocatable, owned.allocatable, isSameQuantity);
  const addresses = listPatch(current.addresses, status.addresses ?? [], owned.addressTypes);
  const conditions = listPatch(withoutHeartbeat(current), withoutHeartbeat(status), owned.conditionTypes);
  const nodeInfo = contains(current.nodeInfo, status.nodeInfo) ? undefined : status.nodeInfo;
  const { daemonEndpoints } = status;
  const endpoints = contains(current.daemonEndpoints?.kubeletEndpoint, daemonEndpoints?.kubeletEndpoint)
    ? undefined
    : daemonEndpoints;
  const isDifferent = [capacity, allocatable, addresses, conditions, nodeInfo, endpoints].some(Boolean);
  if (!isDifferent && !heartbeat) return undefined;
  const removed = conditions?.filter((condition) => '$patch' in condition) ?? [];
  return {
    status: {
      ...(capacity && { capacity }),
      ...(allocatable && { allocatable }),
      ...(addresses && { addresses }),
      ...(nodeInfo && { nodeInfo }),
      ...(endpoints && { daemonEndpoints: endpoints }),
      // With whatever else is sent: an API server that does not know them drops them, and would be sent them for ever.
      ...(status.declaredFeatures && { declaredFeatures: status.declaredFeatures }),
      conditions: [...(status.conditions ?? []), ...removed],
    },
  };
}

/** Keys to set, and with null those to take away; undefined where there are none. */
function mapPatch(
  current: StringMap | undefined,
  wanted: StringMap,
  unwanted: Iterable<string>,
  isSame: (present: string, wanted: string) => boolean = (present, wanted) => present === wanted,
): Readonly<Record<string, string | null>> | undefined {
  const set = Object.entries(wanted).filter(([key, value]) => {
    const present = current?.[key];
    return present === undefined || !isSame(present, value);
  });
  const gone = [...unwanted].filter((key) => !(key in wanted) && current?.[key] !== undefined);
  if (set.length + gone.length === 0) return undefined;
  return Object.fromEntries([...set, ...gone.map((key) => [key, null] as const)]);
}

/** The API server writes quantities its own way: `1.5` comes back as `1500m`. */
function isSameQuantity(present: string, wanted: string): boolean {
  return present === wanted || parseQuantity(present) === parseQuantity(wanted);
}

/** Items of a list merged by `type`: those that differ, and those to take away. */
function listPatch<Item extends { readonly type: string }>(
  current: readonly Item[] | undefined,
  wanted: readonly Item[],
  unwanted: ReadonlySet<string>,
): readonly (Item | { readonly $patch: 'delete'; readonly type: string })[] | undefined {
  const present = new Map(current?.map((item) => [item.type, item]));
  const changed = wanted.filter((item) => !isDeepStrictEqual(present.get(item.type), item));
  const wantedTypes = new Set(wanted.map(({ type }) => type));
  const gone = [...unwanted].filter((type) => !wantedTypes.has(type) && present.has(type));
  if (changed.length + gone.length === 0) return undefined;
  return [...changed, ...gone.map((type) => ({ $patch: 'delete' as const, type }))];
}

/** What of a condition says something: its times follow from it. */
function withoutHeartbeat({ conditions }: NodeStatus): { type: string; status: string }[] {
  return (conditions ?? []).map(({ type, status, reason, message }) => ({
    type,
    status,
    ...(reason && { reason }),
    ...(message && { message }),
  }));
}

/** Whether `current` has every field of `wanted`; the API server may have more. */
function contains(current: object | undefined, wanted: object | undefined): boolean {
  return Object.entries(wanted ?? {}).every(
    ([key, value]) => ((current as Record<string, unknown> | undefined)?.[key] ?? '') === value,
  );
}

/** All taints after the change; undefined where none is needed. Taints are told apart by key and effect. */
function changedTaints({ current, applied, desired }: NodeMerge): readonly Taint[] | undefined {
  const present = current.spec?.taints ?? [];
  const isOf = (taints: readonly Taint[], one: Taint): boolean =>
    taints.some(({ key, effect }) => key === one.key && effect === one.effect);
  const missing = desired.taints.filter(
    (one) => !present.some(({ key, value, effect }) => key === one.key && value === one.value && effect === one.effect),
  );
  const isOurs = (one: Taint): boolean =>
    isOf(missing, one) || (isOf(applied.taints, one) && !isOf(desired.taints, one));
  if (missing.length === 0 && !present.some(isOurs)) return undefined;
  return [...present.filter((one) => !isOurs(one)), ...missing];
}
