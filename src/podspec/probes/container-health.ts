import type { Container } from '../../kubernetes/objects.ts';
import { type ProbeKind, type ProbeSettings, probeSettings } from './probe-settings.ts';

/** How one try of a probe went. An error says nothing of the container: the try does not count. */
export type ProbeResult = 'success' | 'failure' | 'error';

interface ProbeState {
  readonly settings: ProbeSettings;
  /** What the tries so far add up to. */
  readonly passed: boolean;
  readonly lastResult: 'success' | 'failure' | undefined;
  /** How many times in a row that was the result. */
  readonly inARow: number;
  /** No more tries in this life of the container. */
  readonly decided: boolean;
}

/** What probes have found of one running container. A container that starts again begins anew. */
export interface ContainerHealth {
  readonly startup?: ProbeState;
  readonly liveness?: ProbeState;
  readonly readiness?: ProbeState;
}

/** What a try has changed. */
export type ProbeOutcome =
  | { readonly kind: 'nothing' }
  /** The startup probe has passed: the other probes begin. */
  | { readonly kind: 'started' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'unready' }
  /** The container is to be ended, and started again as its restart policy says. */
  | { readonly kind: 'kill'; readonly terminationGracePeriodSeconds?: number };

/**
 * The health of a container that has just started: live, not started where a startup probe must pass first, not ready
 * where a readiness probe must. A container taken over from an earlier process keeps what was `known` of it.
 */
export function initialHealth(
  container: Container,
  known?: { readonly started: boolean; readonly ready: boolean },
): ContainerHealth {
  const startup = probeSettings(container, 'startup');
  const liveness = probeSettings(container, 'liveness');
  const readiness = probeSettings(container, 'readiness');
  const started = known?.started === true;
  return {
    ...(startup && { startup: { ...untried, settings: startup, passed: started, decided: started } }),
    ...(liveness && { liveness: { ...untried, settings: liveness, passed: true } }),
    ...(readiness && { readiness: { ...untried, settings: readiness, passed: started && known?.ready === true } }),
  };
}

const untried = { lastResult: undefined, inARow: 0, decided: false } as const;

/** `started` of the container's status while it runs. */
export function isStarted({ startup }: ContainerHealth): boolean {
  return startup?.passed ?? true;
}

/** `ready` of the container's status while it runs. */
export function isReady(health: ContainerHealth): boolean {
  return isStarted(health) && (health.readiness?.passed ?? true);
}

/**
 * The probes to be tried every period of theirs: the startup probe alone until it has passed or failed, then the
 * others. Of a pod that is being deleted only readiness is still of interest.
 */
export function activeProbes(health: ContainerHealth, pod: { readonly deleting: boolean }): ProbeSettings[] {
  const { startup, liveness, readiness } = health;
  const probes = isStarted(health)
    ? [...(pod.deleting ? [] : [liveness]), readiness]
    : [pod.deleting ? undefined : startup];
  return probes.flatMap((probe) => (probe && !probe.decided ? [probe.settings] : []));
}

/** Milliseconds from now to a probe's first try, for a container that started at `startedAtMs`. */
export function firstTryDelayMs(settings: ProbeSettings, startedAtMs: number, nowMs: number): number {
  return Math.max(0, startedAtMs + settings.initialDelayMs - nowMs);
}

/**
 * Takes the result of one try of a probe (kubelet's prober `worker.go`). Results count once there are as many in a row
 * as the probe's threshold; a failed liveness or startup probe ends the container, and is not tried again before it has
 * started anew. Results of a probe that is not active are passed over.
 */
export function nextProbe(
  health: ContainerHealth,
  kind: ProbeKind,
  result: ProbeResult,
): { readonly health: ContainerHealth; readonly outcome: ProbeOutcome } {
  const state = health[kind];
  const active = kind === 'startup' || isStarted(health);
  if (!state || state.decided || !active || result === 'error') return { health, outcome: nothing };

  const inARow = state.lastResult === result ? state.inARow + 1 : 1;
  const { settings } = state;
  const threshold = result === 'success' ? settings.successThreshold : settings.failureThreshold;
  const counted: ProbeState = { ...state, lastResult: result, inARow };
  if (inARow < threshold) return { health: { ...health, [kind]: counted }, outcome: nothing };

  const passed = result === 'success';
  const decided = kind === 'startup' || (kind === 'liveness' && !passed);
  return {
    health: { ...health, [kind]: { ...counted, passed, decided } },
    outcome: outcomeOf(settings, passed, state.passed),
  };
}

const nothing: ProbeOutcome = { kind: 'nothing' };

function outcomeOf(
  { kind, terminationGracePeriodSeconds }: ProbeSettings,
  passed: boolean,
  before: boolean,
): ProbeOutcome {
  if (kind === 'readiness') return passed === before ? nothing : { kind: passed ? 'ready' : 'unready' };
  if (passed) return kind === 'startup' ? { kind: 'started' } : nothing;
  return { kind: 'kill', ...(terminationGracePeriodSeconds !== undefined && { terminationGracePeriodSeconds }) };
}
