import type { CallOptions } from '../runtime.ts';
import { type ExecDeps, ExecSession } from './exec-session.ts';
import { type CollectedOutput, collectMultiplexed } from './multiplexed-output.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly maxOutputBytes: number;
}

export interface ExecResult extends CollectedOutput {
  readonly exitCode: number;
}

/**
 * Runs a command to its end. Where the signal aborts first, the command is killed, as a kubelet's runtimes do with a
 * probe that takes too long. A command that cannot be started ends with 126 or 127 and says why on stderr.
 */
export async function exec(
  deps: ExecDeps,
  containerId: string,
  request: ExecRequest & CallOptions,
): Promise<ExecResult> {
  const { command, maxOutputBytes, signal } = request;
  const settings = { Cmd: command, AttachStdout: true, AttachStderr: true, signal };
  const { session, output, exit } = await ExecSession.start(deps, containerId, settings, ({ path }) =>
    deps.client.stream({ method: 'POST', path: `${path}/start`, body: { Detach: false, Tty: false } }, { signal }),
  );
  try {
    const collected = await collectMultiplexed(output, { maxBytes: maxOutputBytes });
    return { exitCode: exit.exitCode ?? (await session.exitCode({ signal })), ...collected };
  } catch (error) {
    // Nobody waits for this any more.
    if (signal.aborted) void session.kill();
    throw error;
  } finally {
    exit.close();
  }
}
