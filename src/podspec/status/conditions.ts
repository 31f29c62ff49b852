import type { ContainerStatus, Pod, PodCondition } from '../../kubernetes/objects.ts';
import { toRfc3339 } from '../../support/clock.ts';
import { isSidecar } from '../containers.ts';
import type { ContainerStatuses } from './container-state.ts';
import type { PodPhase } from './phase.ts';

/** The conditions that are ours to write; all others belong to their authors. */
export const ownConditionTypes = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready'] as const;

type OwnConditionType = (typeof ownConditionTypes)[number];

/** What a condition says, before its times are known. */
interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const yes: Verdict = { status: 'True' };

export interface ConditionInput {
  readonly pod: Pod;
  readonly statuses: ContainerStatuses;
  readonly phase: PodPhase;
  /** Undefined where nobody has looked: the condition stays. */
  readonly sandboxReady: boolean | undefined;
  readonly nowMs: number;
}

/** All conditions of the pod: ours in kubelet's words (`status/generate.go`), those of others as they are. */
export function podConditions(input: ConditionInput): PodCondition[] {
  const { pod, sandboxReady } = input;
  const containersReady = containersReadyVerdict(input);
  const previous = findCondition(pod, 'PodReadyToStartContainers');
  return withConditions(pod, input.nowMs, {
    PodReadyToStartContainers: { status: (sandboxReady ?? previous?.status === 'True') ? 'True' : 'False' },
    Initialized: initializedVerdict(input),
    ContainersReady: containersReady,
    Ready: containersReady.status === 'True' ? readinessGatesVerdict(pod) : containersReady,
  });
}

/** The pod's conditions with some of ours set; a transition is dated only where the status changes. */
export function withConditions(
  pod: Pod,
  nowMs: number,
  verdicts: Partial<Record<OwnConditionType, Verdict>>,
): PodCondition[] {
  const generation = pod.metadata?.generation;
  const own = Object.entries(verdicts).map(([type, verdict]) => {
    const previous = findCondition(pod, type);
    const kept = previous?.status === verdict.status ? previous.lastTransitionTime : undefined;
    return {
      type,
      ...(generation !== undefined && { observedGeneration: generation }),
      ...verdict,
      lastTransitionTime: kept ?? toRfc3339(nowMs),
    };
  });
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !own.some((each) => each.type === type));
  return [...others, ...own];
}

/** Whether the pod has a condition of this type, whatever it says. */
export function findCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((each) => each.type === type);
}

function initializedVerdict({ pod, statuses, phase }: ConditionInput): Verdict {
  const { unknown, failing } = sorted(pod.spec?.initContainers ?? [], statuses.init, (container, status) =>
    isSidecar(container) ? status.started === true : status.ready,
  );
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  if (statuses.regular.some(({ state }) => state?.running ?? state?.terminated)) return yes;
  if (unknown.length + failing.length === 0) return yes;
  // Once initialized, a pod stays so, though its init containers may run again.
  if (findCondition(pod, 'Initialized')?.status === 'True') return yes;
  return { status: 'False', reason: 'ContainersNotInitialized', message: complaint(unknown, 'incomplete', failing) };
}

function containersReadyVerdict({ pod, statuses, phase }: ConditionInput): Verdict {
  const lasting = [...(pod.spec?.initContainers ?? []).filter(isSidecar), ...(pod.spec?.containers ?? [])];
  const { unknown, failing } = sorted(lasting, [...statuses.init, ...statuses.regular], (_, status) => status.ready);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return podFailed;
  if (unknown.length + failing.length === 0) return yes;
  return { status: 'False', reason: 'ContainersNotReady', message: complaint(unknown, 'unready', failing) };
}

/** Ready and ContainersReady of a failed pod. */
export const podFailed: Verdict = { status: 'False', reason: 'PodFailed' };

function readinessGatesVerdict(pod: Pod): Verdict {
  const complaints = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = findCondition(pod, conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (complaints.length === 0) return yes;
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: complaints.join(', ') };
}

/** Names of the containers without a status, and of those whose status does not pass. */
function sorted<C extends { readonly name: string }>(
  containers: readonly C[],
  statuses: readonly ContainerStatus[],
  passes: (container: C, status: ContainerStatus) => boolean,
): { readonly unknown: readonly string[]; readonly failing: readonly string[] } {
  const unknown: string[] = [];
  const failing: string[] = [];
  for (const container of containers) {
    const status = statuses.find(({ name }) => name === container.name);
    if (!status) unknown.push(container.name);
    else if (!passes(container, status)) failing.push(container.name);
  }
  return { unknown, failing };
}

function complaint(unknown: readonly string[], word: string, failing: readonly string[]): string {
  return [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(' ')}]`] : []),
    ...(failing.length > 0 ? [`containers with ${word} status: [${failing.join(' ')}]`] : []),
  ].join(', ');
}
