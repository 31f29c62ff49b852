import type { IncomingMessage } from 'node:http';
import type { Collection } from './fake-api-store.ts';

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  /** Common name of the client's certificate. */
  readonly clientName: string | undefined;
  readonly isWatch: boolean;
  /** Parsed; undefined where there is none. */
  readonly body: unknown;
  /** The answer's status; undefined while there is none. */
  code: number | undefined;
}

/** What a URL path of the API asks for. */
export interface ApiPath {
  readonly collection: Collection;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Reads `/api/v1/namespaces/ns/pods/name/status` and its like; undefined for what is no path of a resource. */
export function parseApiPath(pathname: string): ApiPath | undefined {
  const parts = pathname.split('/').slice(1).map(decodeURIComponent);
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return undefined;
  const [group, version, rest] = isCore ? ['', parts[1], parts.slice(2)] : [parts[1], parts[2], parts.slice(3)];
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  const isNamespaced = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const namespace = isNamespaced ? rest[1] : undefined;
  const [plural, name, subresource] = isNamespaced ? rest.slice(2) : rest;
  if (plural === undefined) return undefined;
  return { collection: `${group}/${version}/${plural}`, group, version, plural, namespace, name, subresource };
}

const kinds: Readonly<Record<string, string>> = {
  configmaps: 'ConfigMap',
  endpointslices: 'EndpointSlice',
  persistentvolumeclaims: 'PersistentVolumeClaim',
  persistentvolumes: 'PersistentVolume',
  serviceaccounts: 'ServiceAccount',
  certificatesigningrequests: 'CertificateSigningRequest',
};

/** `pods` → `Pod`. */
export function kindOf(plural: string): string {
  return kinds[plural] ?? plural.charAt(0).toUpperCase() + plural.slice(1).replace(/s$/, '');
}

export function apiVersionOf({ group, version }: Pick<ApiPath, 'group' | 'version'>): string {
  return group ? `${group}/${version}` : version;
}
