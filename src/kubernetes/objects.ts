import type {
  CoreV1Event,
  V1ConfigMap,
  V1Container,
  V1ContainerState,
  V1ContainerStatus,
  V1EnvVar,
  V1EphemeralContainer,
  V1Lease,
  V1Namespace,
  V1Node,
  V1NodeCondition,
  V1NodeStatus,
  V1ObjectMeta,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodCondition,
  V1PodSpec,
  V1PodStatus,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1Volume,
} from '@kubernetes/client-node';

/**
 * The API's objects as they travel: client-node's generated types, with the strings that JSON has where those say
 * Date. Types only, nothing of client-node is loaded by this.
 */
type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

export type ObjectMeta = Json<V1ObjectMeta>;
export type Pod = Json<V1Pod>;
export type PodSpec = Json<V1PodSpec>;
export type PodStatus = Json<V1PodStatus>;
export type PodCondition = Json<V1PodCondition>;
export type Container = Json<V1Container>;
export type EphemeralContainer = Json<V1EphemeralContainer>;
export type ContainerStatus = Json<V1ContainerStatus>;
export type ContainerState = Json<V1ContainerState>;
export type EnvVar = Json<V1EnvVar>;
export type Volume = Json<V1Volume>;
export type Node = Json<V1Node>;
export type NodeStatus = Json<V1NodeStatus>;
export type NodeCondition = Json<V1NodeCondition>;
export type Secret = Json<V1Secret>;
export type ConfigMap = Json<V1ConfigMap>;
export type Service = Json<V1Service>;
export type ServiceAccount = Json<V1ServiceAccount>;
export type Namespace = Json<V1Namespace>;
export type PersistentVolume = Json<V1PersistentVolume>;
export type PersistentVolumeClaim = Json<V1PersistentVolumeClaim>;
export type Lease = Json<V1Lease>;
export type Event = Json<CoreV1Event>;

/** What every object of the API has. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** Names a pod and which pod of that name: one deleted and created again has another UID. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The reference of a pod that the API server gave us; such a pod always has all three. */
export function podRef(pod: Pod): PodRef {
  const { namespace, name, uid } = pod.metadata ?? {};
  if (!namespace || !name || !uid) throw new TypeError('a pod from the API server has a namespace, a name and a UID');
  return { namespace, name, uid };
}
