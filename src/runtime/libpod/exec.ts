import { readFileSync } from 'node:fs';
import type { Clock } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';
import { type CollectedOutput, collectMultiplexed } from './multiplexed-output.ts';

/** What we read of `GET /exec/{id}/json`. */
interface InspectedExec {
  readonly Running: boolean;
  readonly ExitCode: number;
  /** Of the process, as the machine sees it. */
  readonly Pid: number;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly maxOutputBytes: number;
}

export interface ExecResult extends CollectedOutput {
  readonly exitCode: number;
}

/** How long Podman may take to note an exit code after the output has ended, in milliseconds between looks. */
const lookIntervalMs = 20;

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
  const { Id: execId } = await client.json<{ readonly Id: string }>(
    {
      method: 'POST',
      path: `/containers/${segment(containerId)}/exec`,
      body: { Cmd: command, AttachStdout: true, AttachStderr: true },
    },
    { signal },
  );
  try {
    const output = await client.stream(
      { method: 'POST', path: `/exec/${segment(execId)}/start`, body: { Detach: false, Tty: false } },
      { signal },
    );
    const collected = await collectMultiplexed(output, { maxBytes: maxOutputBytes });
    for (;;) {
      const { Running, ExitCode } = await inspectExec(client, execId, { signal });
      if (!Running) return { exitCode: ExitCode, ...collected };
      await clock.sleep(lookIntervalMs, { signal });
    }
  } catch (error) {
    // Nobody waits for this any more.
    if (signal.aborted) void killExec(client, containerId, execId);
    throw error;
  }
}

/** Podman has no call for this: the process would go on without us. */
async function killExec(client: LibpodClient, containerId: string, execId: string): Promise<void> {
  try {
    const { Running, Pid } = await inspectExec(client, execId, { signal: new AbortController().signal });
    if (Running && isProcessOf(containerId, Pid)) process.kill(-Pid, 'SIGKILL');
  } catch {
    // It has ended, or Podman does not answer: nothing more can be done here.
  }
}

/** Whether a process that we see under this id is the container's: ids mean something else in another namespace. */
function isProcessOf(containerId: string, pid: number): boolean {
  return pid > 1 && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
}

function inspectExec(client: LibpodClient, execId: string, options: CallOptions): Promise<InspectedExec> {
  return client.json({ method: 'GET', path: `/exec/${segment(execId)}/json` }, options);
}
