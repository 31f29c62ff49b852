import type { Pod } from '../../../kubernetes/objects.ts';
import type { PodEvent } from '../../../podspec/pod-events.ts';
import { stopTimeout } from './container-definition.ts';
import { cpuUnitsFromMilliCpu, podNeeds, sizeText, type TaskSize } from './task-size.ts';
import { apiAccessVolume } from './volumes.ts';

export type Note = Pick<PodEvent, 'type' | 'reason' | 'message'>;

/** What a pod's owner should know of how Fargate runs it. */
export function podNotes(pod: Pod, size: TaskSize): Note[] {
  return [...sizeNotes(pod, size), ...graceNotes(pod), ...tokenNotes(pod)];
}

function sizeNotes(pod: Pod, size: TaskSize): Note[] {
  const { milliCpu, memoryMib } = podNeeds(pod);
  if (cpuUnitsFromMilliCpu(milliCpu) === size.cpuUnits && memoryMib === size.memoryMib) return [];
  const message = `Fargate runs and bills the pod as ${sizeText(size)}; it asked for ${milliCpu / 1000} CPU and ${memoryMib} MiB`;
  return [{ type: 'Normal', reason: 'CapacityProvisioned', message }];
}

function graceNotes(pod: Pod): Note[] {
  const asked = pod.spec?.terminationGracePeriodSeconds ?? 30;
  const given = stopTimeout(pod);
  if (asked <= given) return [];
  const message = `terminationGracePeriodSeconds is ${asked}; Fargate kills containers ${given} s after it asked them to end`;
  return [{ type: 'Warning', reason: 'TerminationGraceClamped', message }];
}

function tokenNotes(pod: Pod): Note[] {
  const volume = apiAccessVolume(pod);
  if (volume === undefined) return [];
  const message = `Volume ${volume.name} with the service account's token is left out: nothing can mount it in a Fargate task`;
  return [{ type: 'Normal', reason: 'ServiceAccountTokenLeftOut', message }];
}
