import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { enterNamespace, type NetworkNamespace } from './network-namespace.ts';
import { tail } from './run-command.ts';

export interface ServerSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly namespace: NetworkNamespace;
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called when it ends though nobody asked it to. */
  readonly onUnexpectedEnd: (message: string) => void;
}

/** A server of the cluster, running in its network namespace. */
export class ServerProcess {
  readonly #spec: ServerSpec;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #stopping = false;
  #endMessage: string | undefined;

  private constructor(spec: ServerSpec, child: ChildProcess) {
    this.#spec = spec;
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        if (!this.#stopping) {
          this.#endMessage = `${spec.name} ended by itself (${how}). The end of ${spec.logFile}:\n${logTail(spec.logFile)}`;
          spec.onUnexpectedEnd(this.#endMessage);
        }
        resolve();
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  static start(spec: ServerSpec): ServerProcess {
    // The kernel ends the server when we end, however that happens.
    const command = enterNamespace(spec.namespace, ['setpriv', '--pdeathsig', 'SIGKILL', '--', ...spec.command]);
    mkdirSync(dirname(spec.logFile), { recursive: true });
    const log = openSync(spec.logFile, 'a');
    try {
      const [file = '', ...args] = command;
      const child = spawn(file, args, {
        // A process group of its own: the Ctrl-C of a terminal is for us, who end the servers in their order.
        detached: true,
        stdio: ['ignore', log, log],
        // conmon leaves a file named oom where it was started from, when a container runs out of memory.
        cwd: dirname(spec.logFile),
        env: { ...process.env, ...spec.env },
      });
      return new ServerProcess(spec, child);
    } finally {
      closeSync(log);
    }
  }

  get name(): string {
    return this.#spec.name;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} was not started.`);
    return this.#child.pid;
  }

  /** Throws, with the end of its log, when the server has ended by itself. */
  assertRunning(): void {
    if (this.#endMessage !== undefined) throw new Error(this.#endMessage);
  }

  /** Holds every thread of it, as a machine does that has lost its network: connections stay open, nothing answers. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it: politely first, and by force when it has not ended within the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    this.#child.kill('SIGTERM');
    // A frozen process hears SIGTERM only when it goes on.
    this.#child.kill('SIGCONT');
    const timer = new AbortController();
    await Promise.race([this.#ended, delay(graceMs, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

function logTail(logFile: string): string {
  try {
    return tail(readFileSync(logFile, 'utf8'));
  } catch {
    return '(there is none)';
  }
}
