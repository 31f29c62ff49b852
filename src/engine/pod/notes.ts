import type { History } from './history.ts';

/**
 * What is kept of a pod in memory. All of it may be lost: the plan made without it repeats a hook or a pull, and
 * nothing worse.
 */
export interface PodNotes {
  /** When we first saw the pod: the start of its activeDeadlineSeconds where its status has no startTime. */
  readonly seenAtMs: number;
  /** Its deletion was asked for. */
  readonly deletion: Deletion | undefined;
  /** Since when it is being ended for a reason of its own. */
  readonly endingSinceMs: number | undefined;
  /** Why the pod is to be ended at once: it has gone over a limit. */
  readonly eviction: string | undefined;
  /** Its volumes are on disk. */
  readonly volumesReady: boolean;
  /** When its volumes are to be written again; undefined where nothing in them can change. */
  readonly volumesDueAtMs: number | undefined;
  /** Work in flight. */
  readonly busy: Pick<ReadonlySet<TaskKey>, 'has'>;
  /** What failed is not tried again before a time. */
  readonly holds: ReadonlyMap<HoldKey, Hold>;
  /** Containers being stopped, by id. */
  readonly stops: ReadonlyMap<string, StopProgress>;
  /** Ids of containers that we stopped in order to start them again, whatever they exit with. */
  readonly restartAnyway: ReadonlySet<string>;
  readonly history: History;
  /** What the probes say of the container of this id. */
  readonly probed: (id: string) => ProbeVerdict;
}

export interface Deletion {
  readonly graceSeconds: number;
  readonly deadlineMs: number;
}

/** `start` stands for whichever container is being started: one at a time, in order, as with kubelet. */
export type TaskKey = 'volumes' | 'sandbox' | 'start' | `stop ${string}` | `hook ${string}`;

export type HoldKey = 'volumes' | 'sandbox' | `container ${string}`;

/** A kubelet tells at once what failed, and that it backs off when it looks again. */
export const backOffShownAfterMs = 5000;

export interface Hold {
  readonly untilMs: number;
  /** The container whose processes it could not see: where it is another by now, there is nothing to wait for. */
  readonly targetId?: string | undefined;
  /** What the container's state says meanwhile. */
  readonly waiting?: Waiting;
  /** What it says from a later moment on. */
  readonly later?: Waiting & { readonly atMs: number };
}

export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

export interface StopProgress {
  readonly deadlineMs: number;
  readonly hook: 'none' | 'running' | 'done';
  /** The deadline that came with the signal, once it was sent. */
  readonly signalledDeadlineMs: number | undefined;
}

export interface ProbeVerdict {
  /** Passed its startup probe, or has none. */
  readonly started: boolean;
  readonly ready: boolean;
  /** A startup or liveness probe failed for good: the container is to be stopped. */
  readonly failed?: { readonly probe: 'liveness' | 'startup'; readonly graceSeconds: number | undefined };
}
