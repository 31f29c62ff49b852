import type { Pod, PodCondition, PodStatus } from '../../kubernetes/objects.ts';
import { ownConditionTypes } from './conditions.ts';

/**
 * Body of a strategic merge patch of a pod's `status` subresource, which takes annotations too; the UID makes it fail for
 * another pod of the name.
 */
export interface StatusPatch {
  readonly metadata: { readonly uid: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly status: Readonly<Record<string, unknown>>;
}

/** The fields of a pod's status that are ours to write and are replaced as a whole. */
const ownFields = [
  'phase',
  'reason',
  'message',
  'observedGeneration',
  'startTime',
  'qosClass',
  'hostIP',
  'podIP',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const satisfies readonly (keyof PodStatus)[];

/** Lists that a strategic merge would join by `ip`; a directive replaces them instead. */
const addressFields = ['hostIPs', 'podIPs'] as const satisfies readonly (keyof PodStatus)[];

/**
 * What to send so that the pod's status becomes `desired`, of patch type `strategic`, on subresource `status`;
 * undefined where nothing of ours differs. Conditions are sent by type and only ours, so that a condition another
 * controller writes in the meantime survives. What the API server writes for an absent value (`{}`, null) counts as
 * absent.
 */
export function statusPatch(uid: string, current: PodStatus | undefined, desired: PodStatus): StatusPatch | undefined {
  const status: Record<string, unknown> = {};
  for (const field of ownFields) {
    if (!isSame(current?.[field], desired[field])) status[field] = desired[field] ?? null;
  }
  for (const field of addressFields) {
    if (!isSame(current?.[field], desired[field])) status[field] = [{ $patch: 'replace' }, ...(desired[field] ?? [])];
  }
  const conditions = changedConditions(current?.conditions ?? [], desired.conditions ?? []);
  if (conditions.length > 0) status['conditions'] = conditions;
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid }, status };
}

/** The patch with those of the annotations that the pod does not have yet; undefined where there is nothing to send. */
export function withAnnotations(
  patch: StatusPatch | undefined,
  { metadata }: Pod,
  annotations: Readonly<Record<string, string>> = {},
): StatusPatch | undefined {
  const missing = Object.entries(annotations).filter(([key, value]) => metadata?.annotations?.[key] !== value);
  if (missing.length === 0) return patch;
  return {
    metadata: { ...patch?.metadata, uid: metadata?.uid ?? '', annotations: Object.fromEntries(missing) },
    status: patch?.status ?? {},
  };
}

const ownTypes: ReadonlySet<string> = new Set(ownConditionTypes);

function changedConditions(current: readonly PodCondition[], desired: readonly PodCondition[]): object[] {
  return desired
    .filter(({ type }) => ownTypes.has(type))
    .flatMap((condition) => {
      const before = current.find(({ type }) => type === condition.type);
      if (before && isSame(before, condition)) return [];
      // Merged by type: what the condition has no longer must be taken away by name.
      const gone = Object.entries(before ?? {}).flatMap(([key, value]) =>
        isAbsent(value) || key in condition ? [] : [key],
      );
      return [{ ...condition, ...Object.fromEntries(gone.map((key) => [key, null])) }];
    });
}

/** Whether two JSON values say the same. */
function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isAbsent(left) || isAbsent(right)) return isAbsent(left) && isAbsent(right);
  if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) return false;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => isSame(left[key], right[key]));
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
