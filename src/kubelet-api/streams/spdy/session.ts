import type { Duplex } from 'node:stream';
import { IdleTimer } from '../idle-timer.ts';
import { lingerMs, type StreamTimeouts } from '../timeouts.ts';
import { SpdyConnection, type SpdyConnectionOptions } from './connection.ts';

export interface SpdySession {
  readonly connection: SpdyConnection;
  /** Resolves when the connection is closed, whoever closed it. */
  readonly closed: Promise<void>;
  /** Says goodbye, and cuts the connection where the client does not hang up soon. */
  close(): void;
}

/** A connection that ends when it has been idle for too long. */
export function startSpdySession(
  transport: Duplex,
  timeouts: StreamTimeouts,
  options: Pick<SpdyConnectionOptions, 'maxStreams' | 'onStream'>,
): SpdySession {
  const { clock } = timeouts;
  const idle = new IdleTimer(clock, timeouts.idleMs, () => transport.destroy());
  const closed = new Promise<void>((resolve) => {
    transport.once('close', () => {
      idle.cancel();
      resolve();
    });
  });
  const connection = new SpdyConnection({ ...options, transport, clock, onActivity: () => idle.touch() });
  const close = (): void => {
    connection.close();
    const linger = clock.after(lingerMs, () => connection.destroy());
    transport.once('close', () => linger.cancel());
  };
  return { connection, closed, close };
}
