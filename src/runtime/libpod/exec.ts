import type { Clock } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import type { LibpodClient } from './client.ts';
import { ExecSession } from './exec-session.ts';
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
  { client, clock }: { readonly client: LibpodClient; readonly clock: Clock },
  containerId: string,
  request: ExecRequest & CallOptions,
): Promise<ExecResult> {
  const { command, maxOutputBytes, signal } = request;
  const settings = { Cmd: command, AttachStdout: true, AttachStderr: true };
  const session = await ExecSession.create(client, containerId, settings, { signal });
  try {
    const output = await client.stream(
      { method: 'POST', path: `${session.path}/start`, body: { Detach: false, Tty: false } },
      { signal },
    );
    const collected = await collectMultiplexed(output, { maxBytes: maxOutputBytes });
    return { exitCode: await session.exitCode(clock, { signal }), ...collected };
  } catch (error) {
    // Nobody waits for this any more.
    if (signal.aborted) void session.kill();
    throw error;
  }
}
