import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { LabelFilter } from '../../runtime/runtime.ts';
import type { SpecContainer } from './spec-containers.ts';

/** Whose containers: a node's of one cluster. Others on the same runtime are never touched. */
export interface Owner {
  readonly nodeName: string;
  readonly clusterId: string;
}

type Labels = Readonly<Record<string, string>>;

/**
 * What a container says of itself on the runtime, and all that is known of it after we died. The first four are the
 * CRI's own labels, which tools know.
 */
export const labelKeys = {
  podUid: 'io.kubernetes.pod.uid',
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  containerName: 'io.kubernetes.container.name',
  node: 'virtual-kubelet.io/node',
  cluster: 'virtual-kubelet.io/cluster',
  /** Of a sandbox or a container: how many of it were made for the pod before this one. */
  attempt: 'virtual-kubelet.io/attempt',
  role: 'virtual-kubelet.io/role',
  /** Place among the pod's containers of its role. */
  position: 'virtual-kubelet.io/position',
  /** Milliseconds to wait after its end before the next attempt. */
  backoffMs: 'virtual-kubelet.io/backoff-ms',
  /** As the spec names it. */
  image: 'virtual-kubelet.io/image',
  /** As it was resolved: `docker.io/library/nginx@sha256:…`. */
  imageRef: 'virtual-kubelet.io/image-ref',
  graceSeconds: 'virtual-kubelet.io/grace-seconds',
} as const;

/** All sandboxes and containers of `owner`, or those of one of its pods. */
export function ownedBy(owner: Owner, podUid?: string): LabelFilter {
  return {
    [labelKeys.node]: owner.nodeName,
    [labelKeys.cluster]: owner.clusterId,
    ...(podUid !== undefined && { [labelKeys.podUid]: podUid }),
  };
}

export function sandboxLabels(owner: Owner, ref: PodRef, attempt: number): Labels {
  return {
    ...ownedBy(owner, ref.uid),
    [labelKeys.podName]: ref.name,
    [labelKeys.podNamespace]: ref.namespace,
    [labelKeys.attempt]: String(attempt),
  };
}

export interface ContainerIdentity extends SpecContainer {
  readonly attempt: number;
  readonly backoffMs: number;
}

export function containerLabels(owner: Owner, pod: Pod, identity: ContainerIdentity, imageRef: string): Labels {
  const { container, role, position, attempt, backoffMs } = identity;
  return {
    ...sandboxLabels(owner, podRef(pod), attempt),
    [labelKeys.containerName]: container.name,
    [labelKeys.role]: role,
    [labelKeys.position]: String(position),
    [labelKeys.backoffMs]: String(backoffMs),
    [labelKeys.image]: container.image ?? '',
    [labelKeys.imageRef]: imageRef,
    [labelKeys.graceSeconds]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
  };
}

/** A name that only this attempt can have: two engines that both try to make it cannot both succeed. */
export function sandboxName(uid: string, attempt: number): string {
  return `vk_${uid}_${attempt}`;
}

/** As `sandboxName`; container names have no underscore, so the two cannot meet. */
export function containerName(uid: string, container: string, attempt: number): string {
  return `vk_${uid}_${container}_${attempt}`;
}

/** The pod that labels name; undefined where they are not ours. */
export function podOf(labels: Labels): PodRef | undefined {
  const uid = labels[labelKeys.podUid];
  const name = labels[labelKeys.podName];
  const namespace = labels[labelKeys.podNamespace];
  return uid && name && namespace ? { uid, name, namespace } : undefined;
}
