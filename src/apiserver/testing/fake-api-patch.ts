import type { PatchType } from '../client.ts';

type Json = unknown;
type JsonObject = { [field: string]: Json };

/** A patch that the API server would refuse; becomes 422. */
export class PatchError extends Error {}

/** The object that `patch` makes of `target`, which stays as it is. */
export function applyPatch(type: PatchType, target: Json, patch: Json): Json {
  switch (type) {
    case 'merge':
      return merge(target, patch, () => undefined);
    case 'strategic':
      return merge(target, patch, (field) => mergeKeys[field]);
    case 'json':
      return (patch as readonly JsonPatchStep[]).reduce(applyStep, structuredClone(target));
  }
}

/** Lists of core/v1 that a strategic merge patch merges by a key; all others it replaces. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  addresses: 'type',
  podIPs: 'ip',
  hostIPs: 'ip',
  ownerReferences: 'uid',
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  volumeMounts: 'mountPath',
};

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(target: Json, patch: Json, mergeKeyOf: (field: string) => string | undefined): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) && patch['$patch'] !== 'replace' ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$')) continue;
    const mergeKey = mergeKeyOf(field);
    if (value === null) delete merged[field];
    else if (mergeKey !== undefined && Array.isArray(value)) {
      merged[field] = mergeList((merged[field] ?? []) as JsonObject[], value as JsonObject[], mergeKey, mergeKeyOf);
    } else merged[field] = merge(merged[field], value, mergeKeyOf);
  }
  return merged;
}

function mergeList(
  target: readonly JsonObject[],
  patch: readonly JsonObject[],
  mergeKey: string,
  mergeKeyOf: (field: string) => string | undefined,
): JsonObject[] {
  const isReplace = patch.some((item) => item['$patch'] === 'replace');
  const merged = isReplace ? [] : [...target];
  for (const item of patch) {
    if (item['$patch'] === 'replace') continue;
    if (item[mergeKey] === undefined) throw new PatchError(`map: ${JSON.stringify(item)} does not contain ${mergeKey}`);
    const index = merged.findIndex((candidate) => candidate[mergeKey] === item[mergeKey]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (index >= 0) merged[index] = merge(merged[index], item, mergeKeyOf) as JsonObject;
    else merged.push(merge({}, item, mergeKeyOf) as JsonObject);
  }
  return merged;
}

interface JsonPatchStep {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: Json;
}

function applyStep(root: Json, step: JsonPatchStep): Json {
  const path = step.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = path.pop();
  if (last === undefined) throw new PatchError('a JSON patch of the whole document is not supported here');
  const parent = path.reduce<Json>((at, part) => (at as JsonObject | undefined)?.[part], root);
  if (typeof parent !== 'object' || parent === null) throw new PatchError(`path not found: ${step.path}`);
  const holder = parent as JsonObject;
  const isListInsert = Array.isArray(parent) && step.op === 'add';
  if (step.op !== 'add' && !(last in holder)) throw new PatchError(`path not found: ${step.path}`);
  if (step.op === 'test') {
    if (JSON.stringify(holder[last]) !== JSON.stringify(step.value)) {
      throw new PatchError(`testing value ${step.path} failed`);
    }
  } else if (isListInsert) {
    (parent as Json[]).splice(last === '-' ? parent.length : Number(last), 0, step.value);
  } else if (step.op !== 'remove') {
    holder[last] = step.value;
  } else if (Array.isArray(parent)) {
    parent.splice(Number(last), 1);
  } else delete holder[last];
  return root;
}
