import { readFileSync } from 'node:fs';
import type { Clock } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';

/** What we read of `GET /exec/{id}/json`. */
interface InspectedExec {
  readonly Running: boolean;
  readonly ExitCode: number;
  /** Of the process, as the machine sees it. */
  readonly Pid: number;
}

/** How long Podman may take to note an exit code after the output has ended, in milliseconds between looks. */
const lookIntervalMs = 20;

/** A command in a container as Podman keeps it: made, then started, and forgotten some time after its end. */
export class ExecSession {
  readonly #client: LibpodClient;
  readonly #containerId: string;
  readonly id: string;

  private constructor(client: LibpodClient, containerId: string, id: string) {
    this.#client = client;
    this.#containerId = containerId;
    this.id = id;
  }

  /** `settings` are those of Podman's `POST /containers/{id}/exec`. */
  static async create(
    client: LibpodClient,
    containerId: string,
    settings: Readonly<Record<string, unknown>>,
    options: CallOptions,
  ): Promise<ExecSession> {
    const { Id } = await client.json<{ readonly Id: string }>(
      { method: 'POST', path: `/containers/${segment(containerId)}/exec`, body: settings },
      options,
    );
    return new ExecSession(client, containerId, Id);
  }

  get path(): string {
    return `/exec/${segment(this.id)}`;
  }

  /** To be asked when the output has ended, and soon: Podman then forgets the command. */
  async exitCode(clock: Clock, options: CallOptions): Promise<number> {
    for (;;) {
      const { Running, ExitCode } = await this.#inspect(options);
      if (!Running) return ExitCode;
      await clock.sleep(lookIntervalMs, options);
    }
  }

  /** Whether the process is certainly gone, though its output may not have ended yet. */
  async isGone(options: CallOptions): Promise<boolean> {
    const { Running, Pid } = await this.#inspect(options);
    return !Running || (Pid > 0 && !isProcessOf(this.#containerId, Pid));
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
    return this.#client.json({ method: 'GET', path: `${this.path}/json` }, options);
  }
}

/** Whether a process that we see under this id is the container's: ids mean something else in another namespace. */
function isProcessOf(containerId: string, pid: number): boolean {
  try {
    return pid > 1 && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
  } catch {
    return false;
  }
}
