import type { ContainerInfo } from '../../runtime/runtime.ts';
import { CodedError, hasCode } from '../../support/errors.ts';
import { containerSpec } from './container-spec.ts';
import type { LiveTask } from './live-task.ts';
import { type Observed, runOf } from './observe.ts';
import { prepare, taskPaths } from './prepare.ts';
import { findSandbox } from './provision.ts';
import { isPassing, reasonOf, TaskFailure } from './task-failure.ts';

interface Moment {
  readonly observed: Observed;
  /** Aborts also when the task shall end. */
  readonly signal: AbortSignal;
}

/** Makes and starts these containers, all at the same time. One that cannot be started is written down as such. */
export async function startContainers(live: LiveTask, names: readonly string[], moment: Moment): Promise<void> {
  live.prepared ??= await prepare(live, moment.signal);
  const sandbox = await findSandbox(live, moment.signal);
  if (!sandbox?.ready) throw new TaskFailure("ResourceInitializationError: the task's network is gone");
  await Promise.all(
    names.map(async (name) => {
      const existing = moment.observed.runs.get(name);
      await startOne(live, name, { existing, run: 0, sandboxId: sandbox.id, signal: moment.signal });
    }),
  );
}

/** The next run of a container that its restart policy brings up again. */
export async function restartContainer(live: LiveTask, name: string, moment: Moment): Promise<void> {
  const ended = moment.observed.runs.get(name);
  if (!ended) return;
  live.prepared ??= await prepare(live, moment.signal);
  await live.deps.logs.drain(ended.id);
  live.deps.log.info('a container is restarted by its policy', { task: live.id, container: name });
  const { sandboxId } = ended;
  await startOne(live, name, { existing: undefined, run: runOf(ended) + 1, sandboxId, signal: moment.signal });
  await live.deps.runtime.removeContainer(ended.id, { signal: moment.signal });
  live.deps.logs.forget(ended.id);
}

async function startOne(
  live: LiveTask,
  name: string,
  how: {
    readonly existing: ContainerInfo | undefined;
    readonly run: number;
    readonly sandboxId: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { runtime } = live.deps;
  let id = how.existing?.id;
  try {
    id ??= await createOne(live, name, how);
    // Before it can ask for its metadata.
    live.noteContainer(name, { runtimeId: id });
    await runtime.startContainer(id, { signal: how.signal });
  } catch (error) {
    if (isPassing(error) || how.signal.aborted || hasCode(error, 'AlreadyExists')) throw error;
    const kind = id === undefined ? 'CannotCreateContainerError' : 'CannotStartContainerError';
    const exitCode = id === undefined ? undefined : await exitCodeOf(live, id, how.signal);
    live.deps.log.info('a container cannot be started', { task: live.id, container: name, error });
    live.changeContainer(name, {
      lastStatus: 'STOPPED',
      neverStarted: true,
      reason: reasonOf(kind, error),
      ...(id === undefined ? {} : { runtimeId: id }),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }
}

async function createOne(
  live: LiveTask,
  name: string,
  how: { readonly run: number; readonly sandboxId: string; readonly signal: AbortSignal },
): Promise<string> {
  const { deps, definition, task, prepared } = live;
  const container = live.containers.find((it) => it.name === name);
  const record = task.containers.find((it) => it.name === name);
  const imageId = prepared?.imageIds.get(name);
  if (!container || !record || imageId === undefined) throw new CodedError('Internal', `no container ${name}`);
  const metadataUri = await deps.metadata.uriFor(task.network.privateIp ?? '', record.metadataToken);
  const spec = containerSpec({
    task,
    definition,
    container,
    instance: deps.instance,
    region: deps.account.region,
    sandboxId: how.sandboxId,
    imageId,
    run: how.run,
    secrets: prepared?.secrets.get(name) ?? {},
    metadataUri,
    paths: taskPaths(live),
  });
  return deps.runtime.createContainer(spec, { signal: how.signal });
}

/** Of a container whose process could not be started: 126, 127, as the runtime has it. */
async function exitCodeOf(live: LiveTask, id: string, signal: AbortSignal): Promise<number | undefined> {
  const { state } = await live.deps.runtime.inspectContainer(id, { signal });
  return state.kind === 'exited' ? state.exitCode : undefined;
}
