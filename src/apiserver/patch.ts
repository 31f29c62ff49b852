import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON merge patch (RFC 7386) that makes `to` of `from`; undefined where they are equal. Lists are replaced whole.
 * Fields that are undefined count as absent.
 */
export function mergePatch(from: object, to: object): Record<string, unknown> | undefined {
  return diff(from as Fields, to as Fields, (_field, _before, after) => after);
}

/**
 * The strategic merge patch that makes `to` of `from`, for objects of core kinds; undefined where they are equal.
 * Conditions are merged by their type, so that those which others write survive; the lists of addresses, which the
 * API server would merge by key as well, are replaced: they hold one key twice (two InternalIPs) and their order counts.
 */
export function strategicPatch(from: object, to: object): Record<string, unknown> | undefined {
  return diff(from as Fields, to as Fields, (field, before, after) => {
    if (field === 'conditions') return conditionsPatch((before ?? []) as Condition[], after as Condition[]);
    if (field === 'addresses' || field === 'podIPs' || field === 'hostIPs') return [...after, { $patch: 'replace' }];
    return after;
  });
}

/** What to write for a list that differs; undefined where only its order does, which does not matter there. */
type ListPatch = (field: string, before: unknown, after: readonly unknown[]) => unknown;

function diff(from: Fields, to: Fields, listPatch: ListPatch): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const before = from[field];
    const after = to[field];
    if (before === after || isDeepStrictEqual(before, after)) continue;
    if (after === undefined) patch[field] = null;
    else if (isFields(before) && isFields(after)) {
      const inner = diff(before, after, listPatch);
      if (inner !== undefined) patch[field] = inner;
    } else {
      const value = Array.isArray(after) ? listPatch(field, before, after) : after;
      if (value !== undefined) patch[field] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Condition extends Fields {
  readonly type: string;
}

/** Only the conditions that differ, each by its differing fields, and by name those to take out. */
function conditionsPatch(before: readonly Condition[], after: readonly Condition[]): unknown[] | undefined {
  const kept = new Map(after.map((condition) => [condition.type, condition]));
  const present = new Map(before.map((condition) => [condition.type, condition]));
  const changed = after.flatMap((condition) => {
    const old = present.get(condition.type);
    const fields = old === undefined ? condition : mergePatch(old, condition);
    return fields === undefined ? [] : [{ ...fields, type: condition.type }];
  });
  const removed = before.filter(({ type }) => !kept.has(type)).map(({ type }) => ({ $patch: 'delete', type }));
  return changed.length + removed.length === 0 ? undefined : [...changed, ...removed];
}
