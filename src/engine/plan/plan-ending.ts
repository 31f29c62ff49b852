import { type Attempt, runningAttempts } from '../pod/actual-pod.ts';
import { preStopOf } from '../pod/spec-containers.ts';
import type { Action, Plan } from './action.ts';
import { planStop } from './plan-stop.ts';
import type { Ending, LifeInput } from './why-ending.ts';

/**
 * What brings a pod to its end: nothing more is started; main and init containers are stopped at once, sidecars when the
 * main containers are gone, the last one first; then the sandbox (kubelet's `killPodWithSyncResult`).
 */
export function planEnding({ pod, actual, notes, nowMs }: LifeInput, ending: Ending): Plan {
  const actions: Action[] = [];
  const running = runningAttempts(actual);
  const starting = (['volumes', 'sandbox', 'start'] as const).some((key) => notes.busy.has(key));
  if (starting) actions.push({ kind: 'abandon-starts' });

  let nextAtMs: number | undefined;
  for (const attempt of running) {
    const step = planStop(
      {
        attempt,
        preStop: preStopOf(pod, attempt.name),
        graceSeconds: ending.graceSeconds,
        deadlineMs: ending.deadlineMs,
        message: `Stopping container ${attempt.name}`,
        restart: false,
        waits: running.some((other) => goesBefore(other, attempt)),
      },
      { stops: notes.stops, nowMs },
    );
    if (step.action) actions.push(step.action);
    if (step.nextAtMs !== undefined) nextAtMs = Math.min(nextAtMs ?? step.nextAtMs, step.nextAtMs);
  }

  const ended = running.length === 0 && !starting;
  if (ended) {
    for (const { id, ready } of actual.sandboxes) if (ready) actions.push({ kind: 'stop-sandbox', id });
  }
  return {
    actions,
    crashLoops: new Map(),
    toStart: new Set(),
    stage: ended ? 'ended' : 'ending',
    failure: ending.failure,
    nextAtMs,
  };
}

/** Sidecars serve the main containers and the sidecars after them. */
function goesBefore(first: Attempt, second: Attempt): boolean {
  if (second.role !== 'sidecar') return false;
  return first.role === 'main' || (first.role === 'sidecar' && first.position > second.position);
}
