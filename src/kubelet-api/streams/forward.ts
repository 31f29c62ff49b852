import type { Duplex, Writable } from 'node:stream';
import type { PodRef } from '../../kubernetes/objects.ts';
import type { PodConnection, PortForwardRequest } from '../../provider/process-streams.ts';
import { messageOf } from '../../support/errors.ts';
import { endAll } from './end-of-stream.ts';
import { join } from './join.ts';

/** Connects to a port of the pod; the signal aborts when the client does not want it any more. */
export type Connect = (
  request: PortForwardRequest,
  options: { readonly signal: AbortSignal },
) => Promise<PodConnection>;

export interface ForwardedConnection {
  readonly pod: PodRef;
  readonly port: number;
  /** The client's ends: its bytes, and where it reads what went wrong. */
  readonly data: Duplex;
  readonly error: Writable;
}

/**
 * One forwarded connection, from its first byte to its last or until the signal aborts. What goes wrong is told to the
 * client, in kubelet's words. Never rejects.
 */
export async function forward(
  { pod, port, data, error }: ForwardedConnection,
  options: { readonly connect: Connect; readonly signal: AbortSignal },
): Promise<void> {
  const fail = (reason: unknown): void => {
    if (!error.writableEnded) {
      error.write(`error forwarding port ${port} to pod ${pod.name}, uid ${pod.uid}: ${messageOf(reason)}`);
    }
    data.destroy();
  };
  const wanted = new AbortController();
  const giveUp = (): void => wanted.abort();
  data.once('close', giveUp);
  try {
    const target = await options.connect({ pod, port }, { signal: wanted.signal });
    data.off('close', giveUp);
    target.on('error', fail);
    // A kubectl of 1.31 or before closes its own client's connection when both have ended: the pod's bytes and the errors.
    target.once('end', () => error.end());
    if (data.destroyed) target.destroy();
    else await join(data, target, options);
  } catch (reason) {
    fail(reason);
  }
  await endAll(error);
}
