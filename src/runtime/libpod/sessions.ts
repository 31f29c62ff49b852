import type { Clock } from '../../support/clock.ts';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { CallOptions } from '../runtime.ts';
import type { CommandRequest, SessionStreams } from '../sessions.ts';
import { segment } from './client.ts';
import { isRevived } from './container-info.ts';
import type { Containers } from './containers.ts';
import { type ExecDeps, ExecSession } from './exec-session.ts';
import type { ExitWatch } from './exit-files.ts';
import { type AwaitDrain, drained, type JoinOptions, joinStreams } from './join-streams.ts';

/**
 * Podman's own, ctrl-p ctrl-q, would hold back the ctrl-p that shells have a use for, and end a transfer of binary data
 * that has these bytes. Podman cannot be told to have none for an exec. Nobody types this.
 */
const detachKeys = Array.from({ length: 16 }, (_, index) => (index % 2 ? 'ctrl-^' : 'ctrl-@')).join(',');

const resizeTries = 5;
const resizeIntervalMs = 100;

type SessionDeps = Pick<ExecDeps, 'client' | 'clock'>;

/** How long a reader may take nothing before we look whether the process is still there. */
const stallMs = 500;

/** Runs a command joined to somebody's streams; see `ContainerSessions.runCommand`. */
export async function runCommand(
  deps: ExecDeps,
  containerId: string,
  { command, tty, user, ...session }: CommandRequest & SessionStreams & CallOptions,
): Promise<{ readonly exitCode: number }> {
  const { signal } = session;
  const settings = {
    Cmd: command,
    Tty: tty,
    AttachStdin: session.stdin !== undefined,
    // Both, whoever wants them: a pipe that nobody reads would hold up the command.
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: detachKeys,
    ...(user === undefined ? {} : { User: user }),
    // As the runtimes of a kubelet set it.
    ...(tty ? { Env: ['TERM=xterm'] } : {}),
    signal,
  };
  const {
    session: exec,
    output: connection,
    exit,
  } = await ExecSession.start(deps, containerId, settings, ({ path }) =>
    deps.client.connection({ method: 'POST', path: `${path}/start`, body: { Detach: false, Tty: tty } }, { signal }),
  );
  try {
    await joinStreams(connection, session, {
      tty,
      resize: resizer(deps, exec.path, { signal }),
      awaitDrain: drainUnlessEnded(exit, deps.clock),
    });
    return { exitCode: exit.exitCode ?? (await exec.exitCode({ signal })) };
  } catch (error) {
    // Nobody waits for this any more.
    if (signal.aborted) await exec.kill();
    throw error;
  } finally {
    exit.close();
  }
}

/** Joins streams to a container's own process; see `ContainerSessions.attach`. */
export async function attach(
  deps: SessionDeps & { readonly containers: Containers },
  containerId: string,
  { tty, ...session }: { readonly tty: boolean } & SessionStreams & CallOptions,
): Promise<void> {
  const { signal } = session;
  const { client, containers } = deps;
  await assertRunning(containers, containerId, { signal });
  const path = `/containers/${segment(containerId)}`;
  const query = { stream: true, stdin: session.stdin !== undefined, stdout: true, stderr: true, detachKeys: '' };
  const connection = await client
    .connection({ method: 'POST', path: `${path}/attach`, query }, { signal })
    .catch(async (error: unknown) => {
      // Podman fails in many words where the container ends meanwhile, and may not know yet that it does.
      if (!signal.aborted) await assertRunning(containers, containerId, { signal });
      const isEnding = messageOf(error).includes('attach socket');
      throw isEnding ? new CodedError('Conflict', `container ${containerId} does not run`, { cause: error }) : error;
    });
  if (isRevived(await containers.inspectRaw(containerId, { signal }))) {
    connection.destroy();
    // How it ended is to be known before that changes.
    await containers.inspect(containerId, { signal });
    // What Podman has made ready waits for ever; with no grace it is ended at once.
    await client.call({ method: 'POST', path: `${path}/stop`, query: { timeout: 0 } }, { signal });
    await assertRunning(containers, containerId, { signal });
  }
  await joinStreams(connection, session, {
    tty,
    resize: resizer(deps, path, { signal }),
    awaitDrain: (stream, options) => drained(stream, options),
  });
}

/** Podman would make one that has ended ready for a second start. */
async function assertRunning(containers: Containers, id: string, options: CallOptions): Promise<void> {
  const { state } = await containers.inspect(id, options);
  if (state.kind !== 'running') throw new CodedError('Conflict', `container ${id} does not run`);
}

/** Tries again for a while: Podman refuses sizes until it has noted that the process has begun. */
function resizer({ client, clock }: SessionDeps, path: string, options: CallOptions): JoinOptions['resize'] {
  return async ({ width, height }) => {
    const request = { method: 'POST', path: `${path}/resize`, query: { w: width, h: height } } as const;
    for (let tries = 1; ; tries++) {
      try {
        await client.call(request, options);
        return;
      } catch (error) {
        if (tries === resizeTries) throw error;
        await clock.sleep(resizeIntervalMs, options);
      }
    }
  };
}

/**
 * Podman forgets a command, exit code and all, a while after its end, though its last output was not taken. So where a
 * reader stalls and the process is gone, what is left of the output is taken in at once: no more than pipes and sockets
 * hold.
 */
function drainUnlessEnded(exit: ExitWatch, clock: Clock): AwaitDrain {
  const isOver = (): boolean => exit.exitCode !== undefined;
  return async (stream, { signal }) => {
    if (!isOver()) await drained(stream, { signal }, { clock, stallMs, isOver });
  };
}
