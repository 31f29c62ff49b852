import type { Pod, PodStatus } from '../../kubernetes/objects.ts';
import { toRfc3339 } from '../../support/clock.ts';
import { oneOfEachFamily } from '../ip-families.ts';
import { qosClass } from '../resources/qos-class.ts';
import { podConditions, podFailed, withConditions } from './conditions.ts';
import type { ContainerStatuses } from './container-state.ts';
import { containerStatuses, type WaitingReason } from './container-statuses.ts';
import type { ObservedPod } from './observed.ts';
import { isTerminalPhase, type PodPhase, podPhase } from './phase.ts';

export interface PodStatusInput {
  /** As the API server has it, its last status included. */
  readonly pod: Pod;
  /** Undefined while the provider has said nothing about the pod: what the API server has then stays. */
  readonly observed: ObservedPod | undefined;
  /** The node's InternalIPs, the first is `hostIP`. */
  readonly hostIps: readonly string[];
  readonly nowMs: number;
  /** Why containers that do not exist yet are waiting: the provider's last failure. */
  readonly waitingReason?: WaitingReason;
}

/**
 * The whole status of a pod: what its provider observes merged into what the API server has, as kubelet merges it
 * (`generateAPIPodStatus`, `mergePodStatus`). The phase never leaves Succeeded or Failed, and reaches them only when no
 * container runs any more. Fields and conditions of other authors are carried over untouched.
 */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observed, hostIps, nowMs } = input;
  const previous: PodStatus = pod.status ?? {};
  if (!observed && isTerminalPhase(previous.phase)) return previous;

  const statuses = containerStatuses(pod, observed, input.waitingReason);
  const wanted = wantedOutcome(pod, observed, statuses);
  const outcome = isHeldBack(wanted, previous, statuses) ? outcomeOf(previous) : wanted;
  const { reason: _reason, message: _message, ...carried } = previous;
  return {
    ...carried,
    ...common(pod, nowMs),
    ...addresses(pod, observed, hostIps),
    ...outcome,
    conditions: podConditions({
      pod,
      statuses,
      phase: wanted.phase,
      sandboxReady: observed?.sandboxReady,
      nowMs,
    }),
    ...(statuses.init.length > 0 && { initContainerStatuses: [...statuses.init] }),
    containerStatuses: [...statuses.regular],
    ...(statuses.ephemeral.length > 0 && { ephemeralContainerStatuses: [...statuses.ephemeral] }),
  };
}

/**
 * The status of a pod that will not be run, or not any further: Failed, with a reason (one CamelCase word) and a
 * message for its owner. Nothing else changes, but that a pod that was ready is so no longer.
 */
export function failedStatus(
  pod: Pod,
  failure: { readonly reason: string; readonly message: string; readonly nowMs: number },
): PodStatus {
  const previous: PodStatus = pod.status ?? {};
  if (isTerminalPhase(previous.phase)) return previous;
  const readiness = (['ContainersReady', 'Ready'] as const).filter((type) =>
    previous.conditions?.some((each) => each.type === type),
  );
  const conditions = withConditions(pod, failure.nowMs, Object.fromEntries(readiness.map((type) => [type, podFailed])));
  return {
    ...previous,
    ...common(pod, failure.nowMs),
    phase: 'Failed',
    reason: failure.reason,
    message: failure.message,
    ...(conditions.length > 0 && { conditions }),
  };
}

/** Phase, and why where it is not plain. */
interface Outcome {
  readonly phase: PodPhase;
  readonly reason?: string;
  readonly message?: string;
}

function wantedOutcome(pod: Pod, observed: ObservedPod | undefined, statuses: ContainerStatuses): Outcome {
  const previous = outcomeOf(pod.status ?? {});
  if (isTerminalPhase(previous.phase)) return previous;
  if (observed?.failure) return { phase: 'Failed', ...observed.failure };
  const phase = podPhase(pod, statuses, { ended: observed?.ended ?? false });
  const final = observed?.ended && !isTerminalPhase(phase) ? 'Failed' : phase;
  return final === previous.phase ? previous : { phase: final };
}

/** Whoever waits for the pod's end counts on what it held being free: not so while a container runs. */
function isHeldBack(wanted: Outcome, previous: PodStatus, { init, regular, ephemeral }: ContainerStatuses): boolean {
  if (!isTerminalPhase(wanted.phase) || isTerminalPhase(previous.phase)) return false;
  return [...init, ...regular, ...ephemeral].some(({ state }) => state?.running);
}

function outcomeOf({ phase, reason, message }: PodStatus): Outcome {
  return {
    phase: phase === 'Running' || isTerminalPhase(phase) ? phase : 'Pending',
    ...(reason && { reason }),
    ...(message && { message }),
  };
}

/** What every status of ours has. */
function common(pod: Pod, nowMs: number): Partial<PodStatus> {
  const generation = Math.max(pod.metadata?.generation ?? 0, pod.status?.observedGeneration ?? 0);
  return {
    ...(generation > 0 && { observedGeneration: generation }),
    startTime: pod.status?.startTime ?? toRfc3339(nowMs),
    qosClass: qosClass(pod),
  };
}

function addresses(pod: Pod, observed: ObservedPod | undefined, hostIps: readonly string[]): Partial<PodStatus> {
  const hosts = oneOfEachFamily(hostIps, hostIps[0]);
  const own = oneOfEachFamily(observed?.podIps ?? [], hostIps[0]);
  // A pod that has ended keeps its address, one on the host's network has the host's.
  const before = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const inherited = before.length === 0 && pod.spec?.hostNetwork ? hosts : before;
  const pods = own.length > 0 ? own : inherited;
  return {
    ...(hosts[0] !== undefined && { hostIP: hosts[0], hostIPs: hosts.map((ip) => ({ ip })) }),
    ...(pods[0] !== undefined && { podIP: pods[0], podIPs: pods.map((ip) => ({ ip })) }),
  };
}
