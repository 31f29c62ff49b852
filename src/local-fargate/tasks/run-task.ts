import { activate } from './activate.ts';
import type { LiveTask } from './live-task.ts';
import { provision } from './provision.ts';
import { supervise } from './supervise.ts';
import { deprovision, stopContainers } from './take-down.ts';
import type { TaskStatus } from './task.ts';
import { TaskFailure } from './task-failure.ts';

type Step = (live: LiveTask, signal: AbortSignal) => Promise<void>;

/** What a task in this state does next. Each step can be begun again after a crash in the middle of it. */
const steps: Readonly<Record<Exclude<TaskStatus, 'STOPPED'>, Step>> = {
  PROVISIONING: provision,
  PENDING: activate,
  ACTIVATING: supervise,
  RUNNING: supervise,
  DEACTIVATING: async (live) => void live.change({ status: 'STOPPING' }),
  STOPPING: stopContainers,
  DEPROVISIONING: deprovision,
};

/** On errors of the runtime a step is tried again: first soon, then slower. */
const firstRetryMs = 500;
const lastRetryMs = 15_000;

/** Takes a task from wherever it is to STOPPED. Resolves then, or when the signal aborts; never rejects. */
export async function runTask(live: LiveTask, signal: AbortSignal): Promise<void> {
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    const { status } = live.task;
    if (status === 'STOPPED') break;
    try {
      await steps[status](live, signal);
      retryMs = firstRetryMs;
    } catch (error) {
      if (signal.aborted) break;
      if (live.wasInterruption(error)) continue;
      if (error instanceof TaskFailure) {
        live.stop('TaskFailedToStart', error.message);
        continue;
      }
      live.deps.log.warn('a step of a task failed; it is tried again', { task: live.id, status, retryMs, error });
      await live.deps.clock.sleep(retryMs, { signal }).catch(() => {});
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
  }
  live.health.stop();
}
