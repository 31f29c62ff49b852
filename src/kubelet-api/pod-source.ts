import type { Pod } from '../kubernetes/objects.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';

/** The pods of this node, as the kubelet API needs them. Read from memory: no call waits. */
export interface PodSource {
  /** The pod of this name that is bound to this node. */
  podByName(namespace: string, name: string): Pod | undefined;
  /** All pods that are bound to this node, with their present status. */
  pods(): Iterable<Pod>;
  /** What the provider said last of the pod with this UID; undefined where it has said nothing. */
  observed(uid: string): ObservedPod | undefined;
}
