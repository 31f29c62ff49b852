import { readFileSync } from 'node:fs';
import type { Clock } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';
import type { ExitFiles, ExitWatch } from './exit-files.ts';
import type { Turns } from './turns.ts';

/** What we read of `GET /exec/{id}/json`. */
interface InspectedExec {
  readonly Running: boolean;
  readonly ExitCode: number;
  /** Of the process, as the machine sees it. */
  readonly Pid: number;
}

/** How long Podman may take to note an exit code after the output has ended, in milliseconds between looks. */
const lookIntervalMs = 20;

/** What it takes to run commands. */
export interface ExecDeps {
  readonly client: LibpodClient;
  readonly clock: Clock;
  readonly exitFiles: ExitFiles;
  /**
   * Of starts in a container. Podman does them one by one, whoever comes first or last, and with them all else that is
   * asked of the container: a queue in Podman is one in which it also cannot be asked how a command has ended.
   */
  readonly turns: Turns;
}

/** A command in a container as Podman keeps it: made, then started, and forgotten some time after its end. */
export class ExecSession {
  readonly #deps: ExecDeps;
  readonly #containerId: string;
  readonly #id: string;

  private constructor(deps: ExecDeps, containerId: string, id: string) {
    this.#deps = deps;
    this.#containerId = containerId;
    this.#id = id;
  }

  /** Makes and starts it. `settings` are those of Podman's `POST /containers/{id}/exec`; `start` calls `path`/start. */
  static async start<T>(
    deps: ExecDeps,
    containerId: string,
    settings: Readonly<Record<string, unknown>> & CallOptions,
    start: (session: ExecSession) => Promise<T>,
  ): Promise<{ readonly session: ExecSession; readonly output: T; readonly exit: ExitWatch }> {
    const { signal, ...body } = settings;
    const path = `/containers/${segment(containerId)}/exec`;
    return await deps.turns.take(containerId, { signal }, async () => {
      const { Id } = await deps.client.json<{ readonly Id: string }>({ method: 'POST', path, body }, { signal });
      await deps.exitFiles.prepare(containerId, { signal });
      const session = new ExecSession(deps, containerId, Id);
      try {
        const output = await start(session);
        return { session, output, exit: deps.exitFiles.watch(containerId, Id) };
      } catch (error) {
        if (signal.aborted) void session.kill();
        throw error;
      }
    });
  }

  get path(): string {
    return `/exec/${segment(this.#id)}`;
  }

  /** As Podman tells it. To be asked when the output has ended, and soon: Podman then forgets the command. */
  async exitCode(options: CallOptions): Promise<number> {
    for (;;) {
      const { Running, ExitCode } = await this.#inspect(options);
      if (!Running) return ExitCode;
      await this.#deps.clock.sleep(lookIntervalMs, options);
    }
  }

  /** Podman has no call for this: the process would go on without us. */
  async kill(): Promise<void> {
    try {
      const { Running, Pid } = await this.#inspect({ signal: new AbortController().signal });
      if (Running && isProcessOf(this.#containerId, Pid)) process.kill(-Pid, 'SIGKILL');
    } catch {
      // It has ended, or Podman does not answer: nothing more can be done here.
    }
  }

  #inspect(options: CallOptions): Promise<InspectedExec> {
    return this.#deps.client.json({ method: 'GET', path: `${this.path}/json` }, options);
  }
}

/** Whether a process that we see under this id is the container's: ids mean something else in another namespace. */
export function isProcessOf(containerId: string, pid: number): boolean {
  return pid > 1 && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
}
