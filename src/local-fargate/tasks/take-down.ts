import { rm } from 'node:fs/promises';
import type { LiveTask } from './live-task.ts';
import { nextToStop } from './plan.ts';
import { taskPaths } from './prepare.ts';
import { findSandbox } from './provision.ts';
import { observe } from './supervise.ts';

/** Fargate's, where the definition says nothing. */
const defaultStopTimeoutSeconds = 30;

/** STOPPING: SIGTERM and, in time, SIGKILL to all containers, those first that others do not wait for. */
export async function stopContainers(live: LiveTask, signal: AbortSignal): Promise<void> {
  const { deps } = live;
  for (;;) {
    const { runs } = await observe(live, signal);
    const names = nextToStop(live.task, live.containers);
    if (names.length === 0) break;
    await Promise.all(
      names.map(async (name) => {
        const seconds = live.containers.find((it) => it.name === name)?.stopTimeout ?? defaultStopTimeoutSeconds;
        const run = runs.get(name);
        if (run) await deps.runtime.stopContainer(run.id, seconds, { signal });
      }),
    );
  }
  live.change({
    status: 'DEPROVISIONING',
    executionStoppedAtMs: deps.clock.now(),
    containers: live.task.containers.map((container) => ({ ...container, lastStatus: 'STOPPED' })),
  });
}

/** DEPROVISIONING: the rest of the output is brought to safety; then the network interface goes, and all else with it. */
export async function deprovision(live: LiveTask, signal: AbortSignal): Promise<void> {
  const { deps, task } = live;
  live.health.stop();
  await live.pause(signal);
  const runtimeIds = task.containers.flatMap(({ runtimeId }) => runtimeId ?? []);
  await Promise.all(runtimeIds.map((id) => deps.logs.drain(id)));
  const sandbox = await findSandbox(live, signal);
  if (sandbox) await deps.runtime.removeSandbox(sandbox.id, { signal });
  for (const id of runtimeIds) deps.logs.forget(id);
  await rm(taskPaths(live).taskFolder, { recursive: true, force: true });
  live.change({
    status: 'STOPPED',
    stoppedAtMs: deps.clock.now(),
    network: { ...task.network, status: 'DELETED' },
    containers: task.containers.map((container) => ({ ...container, lastStatus: 'STOPPED' })),
  });
}
