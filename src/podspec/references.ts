import type {
  ConfigMap,
  Namespace,
  PersistentVolume,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from '../kubernetes/objects.ts';

/** A token for a pod's service account. */
export interface ServiceAccountToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/**
 * What a pod's spec can refer to, read from the cluster when it is needed. A provider asks for it at each container
 * start (as kubelet does) and when it refreshes volumes.
 *
 * `secret` and `configMap` give undefined where the object does not exist, reject with a retryable error where it is
 * not known. Answers may be up to a minute old.
 */
export interface PodReferences {
  secret(namespace: string, name: string, options: { readonly signal: AbortSignal }): Promise<Secret | undefined>;
  configMap(namespace: string, name: string, options: { readonly signal: AbortSignal }): Promise<ConfigMap | undefined>;
  /** As `secret`. Absent here and below: whoever made this does not know. */
  serviceAccount?(
    namespace: string,
    name: string,
    options: { readonly signal: AbortSignal },
  ): Promise<ServiceAccount | undefined>;
  /** As `secret`; `Forbidden` where we may not read it: a node's own identity gives no right to. */
  namespace?(name: string, options: { readonly signal: AbortSignal }): Promise<Namespace | undefined>;
  /** The volume that is bound to a claim; undefined where there is no such claim or nothing is bound to it yet. */
  persistentVolume?(
    namespace: string,
    claim: string,
    options: { readonly signal: AbortSignal },
  ): Promise<PersistentVolume | undefined>;
  /** The services whose variables a pod of this namespace sees, the master's `default/kubernetes` among them. */
  services(namespace: string): readonly Service[];
  /** A token bound to this pod; an empty audience means the API server's own. Cached until 80 % of its life is over. */
  serviceAccountToken(
    pod: Pod,
    request: { readonly audience: string; readonly expirationSeconds: number },
    options: { readonly signal: AbortSignal },
  ): Promise<ServiceAccountToken>;
}
