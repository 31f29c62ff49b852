import { isDeepStrictEqual } from 'node:util';
import type { HealthCheck } from '@aws-sdk/client-ecs';
import type { Container } from '../../../kubernetes/objects.ts';
import { type ProbeKind, type ProbeSettings, probeSettings } from '../../../podspec/probes/probe-settings.ts';

/** ECS's health check in place of a container's exec probes, or why it cannot be. */
export type HealthCheckResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'check'; readonly check: HealthCheck }
  | { readonly kind: 'impossible'; readonly probe: ProbeKind; readonly why: string };

export const probeKinds = ['startup', 'liveness', 'readiness'] as const satisfies readonly ProbeKind[];

/** The container's probes that run a command, which only ECS can do. */
export function execProbes(container: Container): readonly ProbeSettings[] {
  return probeKinds.flatMap((kind) => {
    const settings = probeSettings(container, kind);
    return settings?.handler.exec ? [settings] : [];
  });
}

const shortestIntervalSeconds = 5;
/** A probe's timeout is 1 s unless its owner says otherwise: that is raised, not refused. */
const shortestTimeoutSeconds = 2;
const mostRetries = 10;
const longestSeconds = { interval: 300, timeout: 60, startPeriod: 300 } as const;

/**
 * One check has to say what all exec probes of a container say: they run the same command, and those that go on after
 * the start have the same numbers. A startup probe, whoever tries it, becomes the check's start period.
 */
export function healthCheckOf(container: Container): HealthCheckResult {
  const probes = execProbes(container);
  const [first] = probes;
  if (first === undefined) return { kind: 'none' };
  const differing = probes.find(
    ({ handler }) => !isDeepStrictEqual(handler.exec?.command, first.handler.exec?.command),
  );
  if (differing)
    return impossible(differing.kind, 'ECS runs one health check a container, and this probe has a command of its own');

  const startup = probeSettings(container, 'startup');
  const lasting = probes.filter(({ kind }) => kind !== 'startup');
  const [leading, other] = lasting;
  if (leading && other && !isDeepStrictEqual(numbersOf(leading), numbersOf(other))) {
    return impossible(
      other.kind,
      'ECS runs one health check a container, and liveness and readiness probe differ in their numbers',
    );
  }
  return checkFrom(leading, startup);
}

function checkFrom(lasting: ProbeSettings | undefined, startup: ProbeSettings | undefined): HealthCheckResult {
  const leading = lasting ?? startup;
  if (leading === undefined) return { kind: 'none' };
  const { kind, handler, periodMs, timeoutMs, successThreshold, failureThreshold } = leading;
  const interval = periodMs / 1000;
  const timeout = Math.max(timeoutMs / 1000, shortestTimeoutSeconds);
  if (interval < shortestIntervalSeconds || interval > longestSeconds.interval) {
    return impossible(kind, `its period of ${interval} s is not one of ECS's 5 to 300 s`);
  }
  if (timeout > longestSeconds.timeout) return impossible(kind, `its timeout of ${timeout} s is over ECS's 60 s`);
  if (successThreshold !== 1) return impossible(kind, `ECS counts one success, not ${successThreshold}`);
  if (lasting !== undefined && failureThreshold > mostRetries) {
    return impossible(kind, `its failure threshold of ${failureThreshold} is over ECS's 10`);
  }
  const retries = Math.min(failureThreshold, mostRetries);
  const startPeriod = startPeriodSeconds({ lasting, startup, retries });
  if (startPeriod > longestSeconds.startPeriod) {
    return impossible(startup?.kind ?? kind, `it leaves the container ${startPeriod} s to start, over ECS's 300 s`);
  }
  const command = ['CMD', ...(handler.exec?.command ?? [])];
  return { kind: 'check', check: { command, interval, timeout, retries, ...(startPeriod > 0 && { startPeriod }) } };
}

/** How long failures do not count: until the startup probe has used up its tries, or the first try is due. */
function startPeriodSeconds({
  lasting,
  startup,
  retries,
}: {
  readonly lasting: ProbeSettings | undefined;
  readonly startup: ProbeSettings | undefined;
  readonly retries: number;
}): number {
  if (startup === undefined) return (lasting?.initialDelayMs ?? 0) / 1000;
  // Without another probe, the check's own retries are part of the startup probe's tries.
  const tries = lasting === undefined ? startup.failureThreshold - retries : startup.failureThreshold;
  const startupMs = startup.initialDelayMs + startup.periodMs * tries;
  return Math.max(startupMs, lasting?.initialDelayMs ?? 0) / 1000;
}

function numbersOf({ periodMs, timeoutMs, failureThreshold, successThreshold, initialDelayMs }: ProbeSettings): object {
  return { periodMs, timeoutMs, failureThreshold, successThreshold, initialDelayMs };
}

function impossible(probe: ProbeKind, why: string): HealthCheckResult {
  return { kind: 'impossible', probe, why };
}
