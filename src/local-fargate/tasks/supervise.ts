import { labels } from './labels.ts';
import type { LiveTask } from './live-task.ts';
import { type Observed, observeContainers } from './observe.ts';
import { allStarted, planContainers } from './plan.ts';
import { restartContainer, startContainers } from './start-containers.ts';
import type { TaskContainer } from './task.ts';

/** ACTIVATING and RUNNING: looks at the containers, does what is next, and waits for a change where there is nothing. */
export async function supervise(live: LiveTask, signal: AbortSignal): Promise<void> {
  const { deps } = live;
  const { changes } = live;
  const observed = await observe(live, signal);
  if (live.task.desiredStatus === 'STOPPED') {
    await leave(live, { changes, signal });
    return;
  }
  const wanted = live.whileWanted(signal);
  for (const name of observed.restarts) await restartContainer(live, name, { observed, signal: wanted });
  if (observed.restarts.length > 0) return;
  if (live.task.status === 'ACTIVATING' && allStarted(live.task) && !hasFailedToStart(live)) {
    await live.pause(wanted);
    live.change({ status: 'RUNNING', startedAtMs: deps.clock.now() });
  }
  const plan = planContainers(live.task, live.containers, deps.clock.now());
  switch (plan.kind) {
    case 'start':
      await startContainers(live, plan.names, { observed, signal: wanted });
      return;
    case 'give-up':
      live.changeContainer(plan.name, {
        lastStatus: 'STOPPED',
        neverStarted: true,
        reason: plan.reason,
        ...(plan.exitCode === undefined ? {} : { exitCode: plan.exitCode }),
      });
      return;
    case 'stop':
      live.stop(plan.stopCode, plan.reason);
      return;
    case 'wait':
      await live.waitForChange(changes, { signal: wanted, untilMs: plan.untilMs });
  }
}

/** Looks at the containers and writes down what has changed. */
export async function observe(live: LiveTask, signal: AbortSignal): Promise<Observed> {
  const { runtime, instance, logs } = live.deps;
  const infos = await runtime.listContainers({ [labels.instance]: instance, [labels.task]: live.id }, { signal });
  const observed = observeContainers(live.task, live.containers, infos);
  if (observed.containers.some((container, index) => differs(container, live.task.containers[index]))) {
    live.change({ containers: observed.containers });
  }
  for (const [name, info] of observed.runs) {
    const definition = live.containers.find((it) => it.name === name);
    if (definition && info.state.kind !== 'created') logs.follow(info.id, live.task, definition);
  }
  live.health.follow(live.task, live.containers);
  return observed;
}

function differs(a: TaskContainer, b: TaskContainer | undefined): boolean {
  return (
    a.lastStatus !== b?.lastStatus ||
    a.runtimeId !== b.runtimeId ||
    a.startedAtMs !== b.startedAtMs ||
    a.exitCode !== b.exitCode
  );
}

function hasFailedToStart(live: LiveTask): boolean {
  return live.containers.some(
    ({ essential, name }) => essential && live.task.containers.find((it) => it.name === name)?.neverStarted,
  );
}

/** The task shall end: at once, or when the warning of a Spot task is over or its containers have ended by themselves. */
async function leave(
  live: LiveTask,
  { changes, signal }: { readonly changes: number; readonly signal: AbortSignal },
): Promise<void> {
  const { task, deps } = live;
  const untilMs = task.stopNotBeforeMs ?? 0;
  const essentialEnded = live.containers.some(
    ({ essential, name }) => essential && task.containers.find((it) => it.name === name)?.lastStatus === 'STOPPED',
  );
  if (deps.clock.now() < untilMs && !essentialEnded) await live.waitForChange(changes, { signal, untilMs });
  else live.change({ status: 'DEACTIVATING' });
}
