import type { Runtime } from '../../runtime/runtime.ts';
import { isAbortOf, withTimeout } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import type { HealthCheck } from '../ecs/container-definition.ts';
import type { HealthStatus } from './task.ts';

/** Output of a check that anybody could want to see. */
const maxOutputBytes = 4096;

/** Docker's rules: a success makes healthy at once, so many failures in a row make unhealthy, none counts in the start period. */
export function nextHealth(
  before: { readonly status: HealthStatus; readonly failures: number },
  outcome: { readonly success: boolean; readonly inStartPeriod: boolean },
  retries: number,
): { readonly status: HealthStatus; readonly failures: number } {
  if (outcome.success) return { status: 'HEALTHY', failures: 0 };
  if (outcome.inStartPeriod && before.status !== 'HEALTHY') return before;
  const failures = before.failures + 1;
  return { status: failures >= retries ? 'UNHEALTHY' : before.status, failures };
}

/** The command as it is executed. */
export function healthCommand([kind, ...rest]: readonly string[]): readonly string[] {
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', rest.join(' ')] : rest;
}

/** Checks a running container again and again, and tells each new status, until the signal aborts. Never rejects. */
export async function watchHealth(
  check: HealthCheck,
  container: { readonly id: string; readonly startedAtMs: number },
  options: {
    readonly runtime: Runtime;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly tell: (status: HealthStatus) => void;
  },
): Promise<void> {
  const { runtime, clock, signal, tell } = options;
  let health: { readonly status: HealthStatus; readonly failures: number } = { status: 'UNKNOWN', failures: 0 };
  try {
    for (;;) {
      await clock.sleep(check.interval * 1000, { signal });
      const success = await succeeds(check, container.id, { runtime, clock, signal });
      if (success === undefined) continue;
      const inStartPeriod = clock.now() - container.startedAtMs < (check.startPeriod ?? 0) * 1000;
      const next = nextHealth(health, { success, inStartPeriod }, check.retries);
      if (next.status !== health.status) tell(next.status);
      health = next;
    }
  } catch (error) {
    if (!isAbortOf(signal, error)) throw error;
  }
}

/** Undefined where the engine does not answer, which says nothing about the container. */
async function succeeds(
  check: HealthCheck,
  id: string,
  { runtime, clock, signal }: { readonly runtime: Runtime; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<boolean | undefined> {
  const timeoutMs = check.timeout * 1000;
  try {
    const { exitCode } = await withTimeout('the health check', { timeoutMs, clock, signal }, (timed) =>
      runtime.exec(id, { command: healthCommand(check.command), maxOutputBytes }, { signal: timed }),
    );
    return exitCode === 0;
  } catch (error) {
    if (isAbortOf(signal, error)) throw error;
    return hasCode(error, 'Unavailable') ? undefined : false;
  }
}
