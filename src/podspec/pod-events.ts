import type { PodRef } from '../kubernetes/objects.ts';

/** An event about a pod, in kubelet's words (`Pulling`, `Started`, `BackOff`, `Killing`, …). */
export interface PodEvent {
  readonly pod: PodRef;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** As kubelet writes it: `spec.containers{nginx}`. */
  readonly fieldPath?: string;
}

/** Takes events; never throws and never waits. */
export type RecordPodEvent = (event: PodEvent) => void;
