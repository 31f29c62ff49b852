import type { Pod } from '../../kubernetes/objects.ts';
import { type ActualPod, runningAttempts } from '../pod/actual-pod.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import { fieldPathOf, specContainerNamed } from '../pod/spec-containers.ts';
import type { Patient } from './prober.ts';

/** The containers of a pod whose probes count now: those that run, and have been started in full. */
export function patientsOf(memory: PodMemory, actual: ActualPod, nodeIp: string): readonly Patient[] {
  const { pod, ref } = memory;
  const ip = pod.spec?.hostNetwork ? nodeIp : (actual.sandboxes[0]?.ips[0] ?? '');
  return runningAttempts(actual).flatMap(({ id, name, role, state }) => {
    const found = specContainerNamed(pod, name);
    if (!found || role === 'init' || state.kind !== 'running' || id === memory.postStarting) return [];
    const { container } = found;
    const known = knownOf(pod, id);
    return [{ id, ref, container, ip, startedAtMs: state.startedAtMs, fieldPath: fieldPathOf(found), known }];
  });
}

/** What the status of the API server says of this very container. */
function knownOf(pod: Pod, id: string): Patient['known'] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const status = statuses.find(({ containerID }) => containerID?.endsWith(`//${id}`));
  return status && { started: status.started === true, ready: status.ready };
}
