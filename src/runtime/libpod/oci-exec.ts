import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CodedError } from '../../support/errors.ts';
import type { CallOptions } from '../runtime.ts';
import type { SessionStreams } from '../sessions.ts';
import { isProcessOf } from './exec-session.ts';
import { drained } from './join-streams.ts';
import type { OciRuntime } from './oci-runtime.ts';

/** What we read of a container's OCI configuration: how its own process is started. */
interface OciConfig {
  readonly process: Readonly<Record<string, unknown>>;
}

/**
 * Whether a command's input and output are pipes when this runtime runs it for us. Others hand on ours, which are sockets:
 * nobody can open those again by their names, as `echo >/dev/stderr` does.
 */
export function makesPipes({ path }: OciRuntime): boolean {
  return path.endsWith('/runc');
}

/**
 * Runs a command with input and without a terminal by the container's OCI runtime itself, as containerd does for a kubelet:
 * Podman's own way loses the last output of a command that ends before its input does.
 */
export async function ociExec(
  runtime: OciRuntime,
  containerId: string,
  { command, signal, ...streams }: { readonly command: readonly string[] } & SessionStreams & CallOptions,
): Promise<{ readonly exitCode: number }> {
  // Beside the container's own configuration, which has the same in it, and gone with it if not before.
  const file = join(dirname(runtime.configPath), `exec-${randomBytes(8).toString('hex')}`);
  const files = { process: `${file}.json`, log: `${file}.log` };
  try {
    const { process: own } = JSON.parse(await readFile(runtime.configPath, 'utf8')) as OciConfig;
    const asked = { ...own, args: command, terminal: false, consoleSize: undefined };
    await writeFile(files.process, JSON.stringify(asked), { mode: 0o600 });
    signal.throwIfAborted();
    const args = ['--log', files.log, '--log-format', 'json', 'exec', '--process', files.process, containerId];
    const child = spawn(runtime.path, [...runtime.args, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...runtime.environment },
    });
    const { errorBytes } = await joinProcess(child, containerId, { ...streams, signal });
    const failure = failureIn(await readFile(files.log, 'utf8').catch(() => ''));
    if (failure === undefined) return { exitCode: exitCodeOf(child) };
    if (errorBytes === 0) streams.stderr?.write(`${failure}\n`);
    return { exitCode: codeOfFailure(failure) };
  } finally {
    for (const path of Object.values(files)) await rm(path, { force: true });
  }
}

/** Passes all that goes in and out, to the end of both outputs and of the process. */
async function joinProcess(
  child: ChildProcess,
  containerId: string,
  { stdin, stdout, stderr, signal }: SessionStreams & CallOptions,
): Promise<{ readonly errorBytes: number }> {
  const kill = (): void => killAll(child, containerId);
  signal.addEventListener('abort', kill, { once: true });
  const [input, output, errors] = child.stdio as unknown as Stdio;
  try {
    // The command may have no use for its input.
    input.on('error', () => stdin?.unpipe(input));
    stdin?.pipe(input);
    stdin?.once('error', kill);
    const [, errorBytes] = await Promise.all([
      pass(output, stdout, { signal }),
      pass(errors, stderr, { signal }),
      once(child, 'close'),
    ]);
    signal.throwIfAborted();
    return { errorBytes };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw new CodedError('Unavailable', `${child.spawnfile} cannot be run`, { cause });
  } finally {
    signal.removeEventListener('abort', kill);
    stdin?.off('error', kill);
    stdin?.unpipe(input);
  }
}

type Stdio = readonly [stdin: Writable, stdout: Readable, stderr: Readable];

/** Gives how many bytes there were. */
async function pass(from: Readable, to: Writable | undefined, options: CallOptions): Promise<number> {
  let bytes = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // A reader that is gone takes nothing, and does not hold up the process.
    if (to !== undefined && !to.destroyed && !to.write(chunk)) await drained(to, options);
  }
  return bytes;
}

/** Why the command could not be started; undefined where it was. */
function failureIn(log: string): string | undefined {
  const line = log.split('\n').find((each) => each.includes('"level":"error"'));
  return line && (JSON.parse(line) as { readonly msg: string }).msg;
}

/** As a shell has it, and Podman. */
function codeOfFailure(failure: string): number {
  if (/permission denied|is a directory/i.test(failure)) return 126;
  if (/not found|no such file/i.test(failure)) return 127;
  throw new CodedError('Internal', failure);
}

function exitCodeOf({ exitCode, signalCode }: ChildProcess): number {
  return exitCode ?? 128 + (signalCode === null ? 0 : constants.signals[signalCode]);
}

/** The command and what it has started, which are in a session of their own; then the runtime, which waits for them. */
function killAll(runtime: ChildProcess, containerId: string): void {
  for (const pid of childrenOf(runtime.pid)) {
    try {
      if (isProcessOf(containerId, pid)) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  runtime.kill('SIGKILL');
}

function childrenOf(pid: number | undefined): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
