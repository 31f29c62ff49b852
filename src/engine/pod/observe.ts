import type { Pod } from '../../kubernetes/objects.ts';
import type {
  ObservedContainer,
  ObservedPod,
  ObservedState,
  ObservedTerminated,
} from '../../podspec/status/observed.ts';
import type { Plan } from '../plan/action.ts';
import type { ActualPod, Attempt } from './actual-pod.ts';
import { backOffShownAfterMs, type Hold, type Waiting } from './notes.ts';
import type { PodMemory } from './pod-memory.ts';
import type { Role } from './role.ts';
import { containersOf, type SpecContainer } from './spec-containers.ts';

export interface ObserveInput {
  readonly memory: PodMemory;
  readonly actual: ActualPod;
  readonly plan: Pick<Plan, 'crashLoops' | 'toStart' | 'stage' | 'failure'>;
  readonly nowMs: number;
  /** The scheme of container ids. */
  readonly runtimeName: string;
  readonly nodeIp: string;
}

/** What the pod's status is to say of it, as far as we know. */
export function observePod(input: ObserveInput): ObservedPod {
  const { memory, actual, plan } = input;
  const sandbox = actual.sandboxes[0];
  // An ended pod's sandbox is about to be stopped: that it is not yet is no news worth a status of its own.
  const sandboxReady = sandbox?.ready === true && plan.stage !== 'ended';
  const ownIps = sandboxReady ? sandbox.ips : [];
  return {
    ref: memory.ref,
    sandboxReady,
    podIps: memory.pod.spec?.hostNetwork ? [input.nodeIp] : ownIps,
    containers: containersOf(memory.pod).map((each) => observeContainer(each, input)),
    ...(plan.failure && { failure: plan.failure }),
    ended: plan.stage === 'ended',
  };
}

function observeContainer({ container: { name }, role }: SpecContainer, input: ObserveInput): ObservedContainer {
  const { memory, actual, plan, runtimeName } = input;
  // One that is still being started is our own affair.
  const [newest, before] = (actual.attempts.get(name) ?? []).filter(
    ({ id, state }) => state.kind !== 'created' && id !== memory.postStarting,
  );
  const waiting = plan.toStart.has(name) ? waitingReason(name, input) : undefined;
  if (!newest) {
    const state = { kind: 'waiting', ...(waiting ?? neverCreated(memory.pod, role)) } as const;
    return { name, state, restartCount: 0, started: false, ready: false, image: '', imageId: '' };
  }
  const verdict = newest.state.kind === 'running' ? memory.probed(newest.id) : { started: false, ready: false };
  const last = waiting ? newest : before;
  const lastTerminated = last && terminated(last, input);
  return {
    name,
    state: waiting ? { kind: 'waiting', ...waiting } : stateOf(newest, input),
    ...(lastTerminated && { lastTerminated }),
    restartCount: newest.attempt,
    started: verdict.started,
    ready: verdict.ready && verdict.started,
    image: newest.imageName,
    imageId: newest.imageRef,
    containerId: `${runtimeName}://${newest.id}`,
  };
}

function neverCreated(pod: Pod, role: Role): Pick<Waiting, 'reason'> {
  const initializes = role !== 'ephemeral' && (pod.spec?.initContainers ?? []).length > 0;
  return { reason: initializes ? 'PodInitializing' : 'ContainerCreating' };
}

function waitingReason(name: string, { memory, plan, nowMs }: ObserveInput): Waiting | undefined {
  const error = saysNow(memory.holds.get(`container ${name}`), nowMs);
  const loop = plan.crashLoops.get(name);
  // As with a kubelet: first why it could not be started, then that its next start is waited for.
  const isLoopDue = loop !== undefined && loop.fromMs + backOffShownAfterMs <= nowMs && nowMs < loop.untilMs;
  return error === undefined || isLoopDue ? plain(loop) : error;
}

/** What a hold says at a moment: after a while of failing, that it backs off. */
export function saysNow(hold: Hold | undefined, nowMs: number): Waiting | undefined {
  if (hold?.later && hold.later.atMs <= nowMs) return plain(hold.later);
  return hold?.waiting;
}

function plain(waiting: Waiting | undefined): Waiting | undefined {
  return waiting && { reason: waiting.reason, message: waiting.message };
}

function stateOf(attempt: Attempt, input: ObserveInput): ObservedState {
  if (attempt.state.kind === 'running') return { kind: 'running', startedAtMs: attempt.state.startedAtMs };
  return terminated(attempt, input) ?? { kind: 'waiting', reason: 'ContainerCreating' };
}

function terminated(
  { id, state, lost }: Attempt,
  { memory, runtimeName }: ObserveInput,
): ObservedTerminated | undefined {
  if (state.kind !== 'exited') return undefined;
  const message = [lost?.message ?? state.error, memory.terminationMessages.get(id)].filter(Boolean).join(': ');
  return {
    kind: 'terminated',
    exitCode: state.exitCode,
    reason: lost?.reason ?? endReason(state),
    ...(message !== '' && { message }),
    ...(state.startedAtMs > 0 && { startedAtMs: state.startedAtMs }),
    ...(state.finishedAtMs > 0 && { finishedAtMs: state.finishedAtMs }),
    containerId: `${runtimeName}://${id}`,
  };
}

function endReason(state: Extract<Attempt['state'], { kind: 'exited' }>): string {
  if (state.error !== undefined) return 'StartError';
  if (state.oomKilled) return 'OOMKilled';
  return state.exitCode === 0 ? 'Completed' : 'Error';
}
