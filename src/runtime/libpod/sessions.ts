import type { Clock } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import type { CommandRequest, SessionStreams } from '../sessions.ts';
import { type LibpodClient, segment } from './client.ts';
import { type ExecDeps, ExecSession } from './exec-session.ts';
import type { ExitWatch } from './exit-files.ts';
import { type AwaitDrain, drained, type JoinOptions, joinStreams } from './join-streams.ts';

/**
 * Podman's own, ctrl-p ctrl-q, would hold back the ctrl-p that shells have a use for, and end a transfer of binary data
 * that has these bytes. Podman cannot be told to have none for an exec. Nobody types this.
 */
const detachKeys = Array.from({ length: 16 }, (_, index) => (index % 2 ? 'ctrl-^' : 'ctrl-@')).join(',');

/** How long a reader may take nothing before we look whether the process is still there. */
const stallMs = 500;

/** Runs a command joined to somebody's streams; see `ContainerSessions.runCommand`. */
export async function runCommand(
  deps: ExecDeps,
  containerId: string,
  { command, tty, ...session }: CommandRequest & SessionStreams & CallOptions,
): Promise<{ readonly exitCode: number }> {
  const { signal } = session;
  const exec = await ExecSession.create(deps, containerId, {
    Cmd: command,
    Tty: tty,
    AttachStdin: session.stdin !== undefined,
    // Both, whoever wants them: a pipe that nobody reads would hold up the command.
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: detachKeys,
    // As the runtimes of a kubelet set it.
    ...(tty ? { Env: ['TERM=xterm'] } : {}),
    signal,
  });
  let exit: ExitWatch | undefined;
  try {
    const start = { method: 'POST', path: `${exec.path}/start`, body: { Detach: false, Tty: tty } } as const;
    const connection = await deps.client.connection(start, { signal });
    exit = exec.watchExit();
    await joinStreams(connection, session, {
      tty,
      resize: resizer(deps.client, exec.path, { signal }),
      awaitDrain: drainUnlessEnded(exit, deps.clock),
    });
    return { exitCode: exit.exitCode ?? (await exec.exitCode({ signal })) };
  } catch (error) {
    // Nobody waits for this any more.
    if (signal.aborted) await exec.kill();
    throw error;
  } finally {
    exit?.close();
  }
}

/** Joins streams to a container's own process; see `ContainerSessions.attach`. */
export async function attach(
  client: LibpodClient,
  containerId: string,
  { tty, ...session }: { readonly tty: boolean } & SessionStreams & CallOptions,
): Promise<void> {
  const { signal } = session;
  const path = `/containers/${segment(containerId)}`;
  const query = { stream: true, stdin: session.stdin !== undefined, stdout: true, stderr: true, detachKeys: '' };
  await joinStreams(await client.connection({ method: 'POST', path: `${path}/attach`, query }, { signal }), session, {
    tty,
    resize: resizer(client, path, { signal }),
    awaitDrain: (stream, options) => drained(stream, options),
  });
}

function resizer(client: LibpodClient, path: string, options: CallOptions): JoinOptions['resize'] {
  return ({ width, height }) =>
    client.call({ method: 'POST', path: `${path}/resize`, query: { w: width, h: height } }, options);
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
