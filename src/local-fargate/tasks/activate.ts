import type { LiveTask } from './live-task.ts';

/** PENDING: the task waits for its turn. */
export async function activate(live: LiveTask, signal: AbortSignal): Promise<void> {
  if (live.task.desiredStatus === 'STOPPED') {
    live.change({ status: 'DEPROVISIONING' });
    return;
  }
  await live.pause(live.whileWanted(signal));
  live.change({ status: 'ACTIVATING' });
}
