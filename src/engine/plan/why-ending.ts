import type { Pod } from '../../kubernetes/objects.ts';
import { shouldRestart } from '../../podspec/containers.ts';
import type { ActualPod, Attempt } from '../pod/actual-pod.ts';
import type { PodNotes } from '../pod/notes.ts';
import { initContainersOf, mainContainersOf, type SpecContainer } from '../pod/spec-containers.ts';

/** Why a pod is to end, with the grace its containers get. */
export interface Ending {
  readonly kind: 'deleted' | 'evicted' | 'finished' | 'deadline' | 'sandbox-lost';
  readonly graceSeconds: number;
  readonly deadlineMs: number;
  readonly failure?: { readonly reason: string; readonly message: string };
}

export interface LifeInput {
  readonly pod: Pod;
  readonly actual: ActualPod;
  readonly notes: PodNotes;
  readonly nowMs: number;
}

/** kubelet's words (`active_deadline.go`). */
export const deadlineExceeded = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** kubelet's immediateEvictionGracePeriodSeconds. */
const evictionGraceSeconds = 1;

const sandboxLost = {
  reason: 'PodSandboxLost',
  message: 'The pod sandbox has ended, and restartPolicy Never forbids to start its containers again',
};

/** Whether the pod is to end; undefined while it lives. */
export function whyEnding(input: LifeInput): Ending | undefined {
  const { pod, notes, nowMs } = input;
  if (notes.deletion) return { kind: 'deleted', ...notes.deletion };

  const ending = (graceSeconds: number) => ({
    graceSeconds,
    deadlineMs: (notes.endingSinceMs ?? nowMs) + graceSeconds * 1000,
  });
  if (notes.eviction !== undefined) {
    const failure = { reason: 'Evicted', message: notes.eviction };
    return { kind: 'evicted', ...ending(evictionGraceSeconds), failure };
  }
  const ofItself = ending(pod.spec?.terminationGracePeriodSeconds ?? 30);
  const finished = isFinished(input);
  if (isPastDeadline(input, finished)) return { kind: 'deadline', ...ofItself, failure: deadlineExceeded };
  if (finished) return { kind: 'finished', ...ofItself };
  if (isSandboxLost(input)) return { kind: 'sandbox-lost', ...ofItself, failure: sandboxLost };
  return undefined;
}

/** When the pod's activeDeadlineSeconds are over; undefined where it has none. */
export function activeDeadlineAtMs({ pod, notes }: Pick<LifeInput, 'pod' | 'notes'>): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  if (seconds === undefined || seconds === null) return undefined;
  const startTime = pod.status?.startTime;
  return (startTime ? Date.parse(startTime) : notes.seenAtMs) + seconds * 1000;
}

/** A pod whose containers had all ended for good before its deadline was done in time, though we look late. */
function isPastDeadline(input: LifeInput, finished: boolean): boolean {
  const deadlineAtMs = activeDeadlineAtMs(input);
  if (deadlineAtMs === undefined || input.nowMs < deadlineAtMs) return false;
  if (!finished) return true;
  return mainContainersOf(input.pod).some(({ container }) => {
    const state = newestOf(input, container.name)?.state;
    return state?.kind === 'exited' && state.finishedAtMs >= deadlineAtMs;
  });
}

/** Every main container has ended for good, or an init container has failed for good. */
function isFinished(input: LifeInput): boolean {
  const main = mainContainersOf(input.pod);
  if (main.every((each) => hasEndedForGood(input, each))) return true;
  return initContainersOf(input.pod).some((each) => {
    const newest = newestOf(input, each.container.name);
    if (each.role !== 'init' || newest?.state.kind !== 'exited' || newest.state.exitCode === 0) return false;
    const initialized = main.some(({ container }) => newestOf(input, container.name)?.sandboxId === newest.sandboxId);
    return !initialized && hasEndedForGood(input, each);
  });
}

function hasEndedForGood(input: LifeInput, { container }: SpecContainer): boolean {
  const newest = newestOf(input, container.name);
  if (newest?.state.kind !== 'exited' || input.notes.restartAnyway.has(newest.id)) return false;
  return !shouldRestart(input.pod, container, newest.state.exitCode);
}

/** kubelet's `computePodActions` makes no second sandbox for a pod that is never restarted. */
function isSandboxLost({ pod, actual }: LifeInput): boolean {
  if (pod.spec?.restartPolicy !== 'Never') return false;
  const lost = actual.sandboxes.length > 0 && !actual.sandboxes.some(({ ready }) => ready);
  return lost && [...actual.attempts.values()].flat().some(({ state }) => state.kind !== 'created');
}

export function newestOf({ actual }: Pick<LifeInput, 'actual'>, name: string): Attempt | undefined {
  return actual.attempts.get(name)?.[0];
}
