import type {
  ConfigMap,
  Event,
  KubernetesObject,
  Lease,
  Namespace,
  Node,
  ObjectMeta,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from '../kubernetes/objects.ts';

/** Where a kind lives in the API. The type parameter is the object that is read there. */
export interface Resource<T extends KubernetesObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never present: carries the object's type. */
  readonly _object?: T;
}

const core = { group: '', version: 'v1' };
export const pods: Resource<Pod> = { ...core, plural: 'pods', kind: 'Pod', namespaced: true };
export const nodes: Resource<Node> = { ...core, plural: 'nodes', kind: 'Node', namespaced: false };
export const secrets: Resource<Secret> = { ...core, plural: 'secrets', kind: 'Secret', namespaced: true };
export const configMaps: Resource<ConfigMap> = { ...core, plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
export const services: Resource<Service> = { ...core, plural: 'services', kind: 'Service', namespaced: true };
export const serviceAccounts: Resource<ServiceAccount> = {
  ...core,
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};
export const namespaces: Resource<Namespace> = { ...core, plural: 'namespaces', kind: 'Namespace', namespaced: false };
export const persistentVolumes: Resource<PersistentVolume> = {
  ...core,
  plural: 'persistentvolumes',
  kind: 'PersistentVolume',
  namespaced: false,
};
export const persistentVolumeClaims: Resource<PersistentVolumeClaim> = {
  ...core,
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};
export const events: Resource<Event> = { ...core, plural: 'events', kind: 'Event', namespaced: true };
export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Deadline of the whole call. Default 30,000 ms. */
  readonly timeoutMs?: number;
}

export interface ObjectKey {
  /** Left out for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions extends CallOptions {
  /** Left out for all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects a page. */
  readonly limit?: number;
  readonly continueToken?: string;
  /** '0' allows the API server's cache to answer. */
  readonly resourceVersion?: string;
}

export interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

export type PatchType = 'json' | 'merge' | 'strategic';

export interface PatchOptions extends CallOptions {
  readonly type: PatchType;
  readonly subresource?: string;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  /** Deletes only the object of this UID; another one answers `Conflict`. */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Events after this version. */
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  /** Called when the API server has let the watch in; events may be long in coming. */
  readonly onOpen?: () => void;
}

/** What one watch connection says, in the API server's order. */
export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing changed up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * The API server, as far as a virtual node needs it. Every method rejects with a `CodedError` (`support/errors`);
 * 401 is answered by fresh credentials and one more try, 429 and 503 with Retry-After are waited for and tried again
 * within the call's deadline, an idempotent call cut by the network likewise.
 */
export interface ApiClient {
  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options?: CallOptions): Promise<T>;
  /** One page. */
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>>;
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T & { metadata: ObjectMeta },
    options?: CallOptions,
  ): Promise<T>;
  /** A patch with `metadata.uid` or `metadata.resourceVersion` is for that object and version only (`Conflict`). */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T>;
  /** Replaces the object; `metadata.resourceVersion` makes it conditional (`Conflict`). */
  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T & { metadata: ObjectMeta },
    options?: CallOptions & { readonly subresource?: string },
  ): Promise<T>;
  delete<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /**
   * POSTs `body` to an absolute path of the API: a subresource (`/api/v1/namespaces/n/serviceaccounts/x/token`, see
   * `resourcePath`) or a review (`/apis/authorization.k8s.io/v1/subjectaccessreviews`). Not tried again when cut.
   */
  post<Answer>(path: string, body: unknown, options?: CallOptions): Promise<Answer>;
  /**
   * One watch connection, no retries: ends when the API server ends it (after 30 to 40 seconds) or when credentials
   * are renewed, throws `Gone` on 410 (also as an ERROR event), `Unavailable` on a cut or silent connection. Events are handed over one at a time: a slow reader slows the
   * connection, nothing is buffered without bound.
   */
  watch<T extends KubernetesObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
}
