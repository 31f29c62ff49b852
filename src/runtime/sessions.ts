import type { Duplex, Readable, Writable } from 'node:stream';
import type { CallOptions } from './runtime.ts';

/**
 * The ends of somebody's streams, joined to a process. What is undefined is not wanted. They are only read from and
 * written to: who gives them also ends them.
 */
export interface SessionStreams {
  /** Its end is the end of the process's input. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  /** Nothing comes here from a process with a terminal. */
  readonly stderr: Writable | undefined;
  /** Of the terminal, in characters, as they change. */
  readonly resizes: AsyncIterable<{ readonly width: number; readonly height: number }>;
}

export interface CommandRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  /** `uid:gid` or a name. Default: the container's. */
  readonly user?: string;
}

/**
 * People at containers. Backpressure goes through all of it: a reader that stalls holds up the process, not our memory.
 * Rejects with `CodedError`s: `NotFound` for an id that does not exist, `Conflict` where the container does not run.
 */
export interface ContainerSessions {
  /**
   * Runs a command in a running container and resolves when it has ended and its output is written. Killed, and rejected
   * with the signal's reason, when the signal aborts. One that cannot be run ends with 126 or 127, and why on stderr.
   */
  runCommand(
    id: string,
    request: CommandRequest,
    session: SessionStreams & CallOptions,
  ): Promise<{ readonly exitCode: number }>;

  /** Joins the streams to a container's own process until it ends. When the signal aborts, the process goes on. */
  attach(id: string, request: { readonly tty: boolean }, session: SessionStreams & CallOptions): Promise<void>;

  /** Connects to a TCP port of the sandbox's own loopback. Half-open. `Unavailable` where nobody listens there. */
  connect(sandboxId: string, port: number, options: CallOptions): Promise<Duplex>;
}
