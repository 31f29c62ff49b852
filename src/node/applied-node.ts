import type { Node } from '../kubernetes/objects.ts';
import type { DesiredNode, Taint } from './node-status.ts';

/** The base of the three-way merge, under the Go virtual kubelet's names so that either takes over from the other. */
export const appliedStatusAnnotation = 'virtual-kubelet.io/last-applied-node-status';
export const appliedMetaAnnotation = 'virtual-kubelet.io/last-applied-object-meta';
/** Ours alone: without it a taint could not be taken away after a restart with `--disable-taint`. */
export const appliedTaintsAnnotation = 'virtual-kubelet.io/last-applied-taints';

/** What we set on the node the last time, as far as its removal needs to know: keys, not values. */
export interface AppliedNode {
  readonly labels: ReadonlySet<string>;
  readonly taints: readonly Taint[];
  readonly capacity: ReadonlySet<string>;
  readonly allocatable: ReadonlySet<string>;
  readonly conditionTypes: ReadonlySet<string>;
  readonly addressTypes: ReadonlySet<string>;
}

export const nothingApplied: AppliedNode = {
  labels: new Set(),
  taints: [],
  capacity: new Set(),
  allocatable: new Set(),
  conditionTypes: new Set(),
  addressTypes: new Set(),
};

/** Reads the annotations. One that is missing, or that somebody has spoilt, means that nothing is known to be ours. */
export function appliedNode(node: Node): AppliedNode {
  const annotations = node.metadata?.annotations ?? {};
  const meta = parsed(annotations[appliedMetaAnnotation]);
  const status = parsed(annotations[appliedStatusAnnotation]);
  return {
    labels: keysOf(meta['labels']),
    taints: itemsOf(parsed(annotations[appliedTaintsAnnotation])['taints']) as unknown as Taint[],
    capacity: keysOf(status['capacity']),
    allocatable: keysOf(status['allocatable']),
    conditionTypes: typesOf(status['conditions']),
    addressTypes: typesOf(status['addresses']),
  };
}

/**
 * The annotations that say what of `desired` we have set. Without what changes by itself (times, what conditions say), so
 * that they are written only when what we own changes.
 */
export function appliedAnnotations(
  desired: DesiredNode,
  refusedLabels: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const { conditions = [], ...status } = desired.status;
  const labels = Object.fromEntries(Object.entries(desired.labels).filter(([key]) => !refusedLabels.has(key)));
  return {
    [appliedStatusAnnotation]: JSON.stringify({ ...status, conditions: conditions.map(({ type }) => ({ type })) }),
    [appliedMetaAnnotation]: JSON.stringify({ labels }),
    [appliedTaintsAnnotation]: JSON.stringify({ taints: desired.taints }),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function keysOf(value: unknown): ReadonlySet<string> {
  return new Set(isObject(value) ? Object.keys(value) : []);
}

function itemsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function typesOf(value: unknown): ReadonlySet<string> {
  return new Set(itemsOf(value).flatMap(({ type }) => (typeof type === 'string' ? [type] : [])));
}
