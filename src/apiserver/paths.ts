import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { Resource } from './client.ts';

export interface PathTarget {
  /** Left out for cluster-scoped kinds, and for all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/api/v1/namespaces/default/pods/web/status`. */
export function resourcePath<T extends KubernetesObject>(resource: Resource<T>, target: PathTarget = {}): string {
  const { namespace, name, subresource } = target;
  const parts = [
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`,
    ...(resource.namespaced && namespace !== undefined ? ['namespaces', encodeURIComponent(namespace)] : []),
    resource.plural,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.join('/');
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `path?a=b`, without what is undefined. */
export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

/** What a path asks for, as metrics name it: `serviceaccounts/token`, `tokenreviews`. */
export function resourceLabel(path: string): string {
  const [, root, ...rest] = path.split('/');
  const parts = rest.slice(root === 'api' ? 1 : 2);
  const [plural = path, , subresource] = parts[0] === 'namespaces' && parts.length > 2 ? parts.slice(2) : parts;
  return subresource === undefined ? plural : `${plural}/${subresource}`;
}
