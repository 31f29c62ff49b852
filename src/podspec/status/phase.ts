import type { ContainerStatus, Pod } from '../../kubernetes/objects.ts';
import { isSidecar, shouldRestart } from '../containers.ts';
import type { ContainerStatuses } from './container-state.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** Whether a pod of this phase is over for good. */
export function isTerminalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** What a container's status says about the phase; waiting after an end counts as stopped. */
type Progress =
  | { readonly kind: 'unknown' | 'waiting' | 'running' }
  | { readonly kind: 'stopped'; readonly exitCode: number };

/**
 * The phase that container statuses add up to (kubelet's `getPhase`). `ended` says that nothing will be started again,
 * whatever the restart policy.
 */
export function podPhase(pod: Pod, statuses: ContainerStatuses, options: { readonly ended: boolean }): PodPhase {
  const initContainers = pod.spec?.initContainers ?? [];
  const containers = pod.spec?.containers ?? [];
  const initStatuses = new Map(statuses.init.map((each) => [each.name, each]));
  const regularStatuses = new Map(statuses.regular.map((each) => [each.name, each]));

  const inits = initContainers.filter((each) => !isSidecar(each));
  const initProgress = inits.map((each) => ({ container: each, progress: progressOf(initStatuses.get(each.name)) }));
  const failedForGood = initProgress.some(
    ({ container, progress }) =>
      progress.kind === 'stopped' && progress.exitCode !== 0 && !shouldRestart(pod, container, progress.exitCode),
  );
  if (failedForGood) return 'Failed';
  if (initProgress.some(({ progress }) => progress.kind !== 'stopped')) return 'Pending';

  const sidecarStatuses = initContainers.filter(isSidecar).map((each) => initStatuses.get(each.name));
  const sidecars = sidecarStatuses.map(progressOf);
  const regular = containers.map((each) => progressOf(regularStatuses.get(each.name)));
  const all = [...sidecars, ...regular];

  const sidecarsStarting = sidecarStatuses.some(
    (each) => progressOf(each).kind === 'waiting' || (each?.state?.running && !each.started),
  );
  if (sidecarsStarting && !statuses.regular.some(hasRun)) return 'Pending';
  if (all.some(({ kind }) => kind === 'waiting' || kind === 'unknown')) return 'Pending';
  if (all.some(({ kind }) => kind === 'running')) return 'Running';
  return phaseOfStopped(pod, regular, options.ended);
}

/** All containers have stopped: the pod is over, unless one of them is to be started again. */
function phaseOfStopped(pod: Pod, regular: readonly Progress[], ended: boolean): PodPhase {
  const exitCodes = regular.map((each) => (each.kind === 'stopped' ? each.exitCode : 0));
  const restarts = (pod.spec?.containers ?? []).some((each, index) => shouldRestart(pod, each, exitCodes[index] ?? 0));
  if (restarts && !ended) return 'Running';
  return exitCodes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
}

function progressOf(status: ContainerStatus | undefined): Progress {
  const state = status?.state;
  if (state?.running) return { kind: 'running' };
  const terminated = state?.terminated ?? (state?.waiting && status?.lastState?.terminated);
  if (terminated) return { kind: 'stopped', exitCode: terminated.exitCode };
  return { kind: state?.waiting ? 'waiting' : 'unknown' };
}

/** Whether the container has ever run, so that the pod has been initialized once. */
function hasRun(status: ContainerStatus): boolean {
  return !!(status.state?.running ?? status.state?.terminated ?? status.lastState?.terminated);
}
