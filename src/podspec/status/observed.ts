import type { PodRef } from '../../kubernetes/objects.ts';

/** What a container is doing, as its provider sees it. */
export type ObservedState =
  | {
      readonly kind: 'waiting';
      /** kubelet's word: `ContainerCreating`, `ErrImagePull`, `CrashLoopBackOff`, `PodInitializing`, … */
      readonly reason: string;
      readonly message?: string;
    }
  | { readonly kind: 'running'; readonly startedAtMs: number }
  | ObservedTerminated;

export interface ObservedTerminated {
  readonly kind: 'terminated';
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`, … */
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly containerId?: string;
}

export interface ObservedContainer {
  /** The name in the pod's spec; init and ephemeral containers stand in the same list. */
  readonly name: string;
  readonly state: ObservedState;
  readonly lastTerminated?: ObservedTerminated;
  /** Attempts before the present one. */
  readonly restartCount: number;
  /** Passed its startup probe, or has none and runs. */
  readonly started: boolean;
  /** Passes its readiness probe, or has none and runs. */
  readonly ready: boolean;
  /** The image as the provider resolved it; '' until known. */
  readonly image: string;
  /** `docker.io/library/nginx@sha256:…`; '' until known. */
  readonly imageId: string;
  /** `podman://<id>`; absent until there is one. */
  readonly containerId?: string;
}

/**
 * Everything a provider knows about one pod, in one piece: providers push this and nothing else. Containers of the
 * spec that are not listed have not been created yet.
 */
export interface ObservedPod {
  readonly ref: PodRef;
  /** The pod's network is up (condition PodReadyToStartContainers). */
  readonly sandboxReady: boolean;
  /** The first is podIP. */
  readonly podIps: readonly string[];
  readonly containers: readonly ObservedContainer[];
  /**
   * Set where the provider ended the pod for a reason of its own (`Evicted`, `SpotInterruption`, `DeadlineExceeded`):
   * the pod is Failed whatever its exit codes say.
   */
  readonly failure?: { readonly reason: string; readonly message: string };
  /**
   * What a person may want to know of how the pod runs and no field of its status has room for: written into the pod's
   * annotations, beside others.
   */
  readonly annotations?: Readonly<Record<string, string>>;
  /** No container of the pod runs and none will be started again by the provider. */
  readonly ended: boolean;
}
