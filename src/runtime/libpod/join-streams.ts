import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Clock, Timer } from '../../support/clock.ts';
import type { CallOptions } from '../runtime.ts';
import type { SessionStreams } from '../sessions.ts';
import { OutputSplitter } from './multiplexed-output.ts';

/** More than any path to a socket makes of it. */
const maxOwnBytes = 400;

type Size = { readonly width: number; readonly height: number };

/** Waits until a stream takes more. */
export type AwaitDrain = (stream: Writable, options: CallOptions) => Promise<void>;

export interface JoinOptions {
  readonly tty: boolean;
  /** Tells the terminal its size. */
  readonly resize: (size: Size) => Promise<void>;
  readonly awaitDrain: AwaitDrain;
}

/**
 * Passes bytes between Podman's connection to a process and somebody's streams, and resolves when the process's output
 * has ended and is written. Rejects with the signal's reason when that aborts, and where the connection breaks.
 */
export async function joinStreams(
  connection: Socket,
  { stdin, stdout, stderr, resizes, signal }: SessionStreams & CallOptions,
  { tty, resize, awaitDrain }: JoinOptions,
): Promise<void> {
  const cut = (): void => void connection.destroy();
  const write = (stream: Writable | undefined, part: Uint8Array): Promise<void> | undefined => {
    // A reader that is gone takes nothing, and does not hold up the process.
    if (stream === undefined || stream.destroyed || stream.write(part)) return undefined;
    return awaitDrain(stream, { signal });
  };
  signal.addEventListener('abort', cut, { once: true });
  // What the process has no use for any more is not read; its owner ends it.
  stdin?.pipe(connection);
  stdin?.once('error', cut);
  keepReadable(connection, () => stdin?.unpipe(connection));
  if (tty) void followSizes(resizes, resize, () => connection.destroyed);
  const splitter = new OutputSplitter();
  try {
    for await (const chunk of connection as AsyncIterable<Uint8Array>) {
      if (tty) await write(stdout, chunk);
      else {
        for (const [name, part] of splitter.split(chunk)) {
          if (name === 'stdout') await write(stdout, part);
          else if (!isPodmansOwn(part)) await write(stderr, part);
        }
      }
    }
    signal.throwIfAborted();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // How a connection ends whose other side had input left that the process did not wait for.
    if (!(stdin && isCallError(error, 'read', 'ECONNRESET'))) throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    stdin?.unpipe(connection);
    stdin?.off('error', cut);
    connection.destroy();
  }
}

/**
 * Whether Podman's service says here, on the process's stderr, that its own connection to a process that has just ended
 * is gone: `Error: read unixpacket @->/proc/self/fd/15/attach: read: connection reset by peer`.
 */
function isPodmansOwn(stderr: Uint8Array): boolean {
  if (stderr.length > maxOwnBytes) return false;
  return /^Error: (read|write) unixpacket \S+attach: \1: (connection reset by peer|broken pipe)\s*$/.test(
    Buffer.from(stderr).toString(),
  );
}

/**
 * A process may end before its input does, and Podman then closes the connection. Node destroys a socket that cannot be
 * written to, with all that has arrived on it; here the last output is still read.
 */
function keepReadable(connection: Socket, onUnwritable: () => void): void {
  const destroy = connection.destroy.bind(connection);
  connection.destroy = (error) => {
    if (!isCallError(error, 'write', 'EPIPE', 'ECONNRESET')) return destroy(error);
    onUnwritable();
    return connection;
  };
}

function isCallError(error: unknown, syscall: string, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  const { syscall: failed, code = '' } = error as NodeJS.ErrnoException;
  return failed === syscall && codes.includes(code);
}

export interface Patience {
  readonly clock: Clock;
  /** How long a reader may take nothing before, and between times that, `isOver` is asked. */
  readonly stallMs: number;
  /** Whether waiting is of no use. */
  readonly isOver: () => boolean;
}

/** Resolves when the stream takes more, is closed, or the signal aborts; with patience also when that is over. */
export function drained(stream: Writable, { signal }: CallOptions, patience?: Patience): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer?.cancel();
      stream.off('drain', done);
      stream.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const wait = ({ clock, stallMs, isOver }: Patience): Timer =>
      clock.after(stallMs, () => {
        if (isOver()) done();
        else timer = wait({ clock, stallMs, isOver });
      });
    let timer = patience && wait(patience);
    stream.once('drain', done);
    stream.once('close', done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted || stream.closed) done();
  });
}

/** A size that cannot be set is not worth ending a session for: the next one may be. */
async function followSizes(
  sizes: AsyncIterable<Size>,
  resize: JoinOptions['resize'],
  isOver: () => boolean,
): Promise<void> {
  try {
    for await (const size of sizes) {
      if (isOver()) return;
      await resize(size).catch(() => {});
    }
  } catch {
    // Whoever sends the sizes is gone; so is what it sends to the process, which ends the session.
  }
}
