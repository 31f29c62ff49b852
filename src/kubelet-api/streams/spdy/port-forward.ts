import type { Duplex } from 'node:stream';
import type { PodRef } from '../../../kubernetes/objects.ts';
import type { Timer } from '../../../support/clock.ts';
import { CodedError } from '../../../support/errors.ts';
import { type Connect, forward } from '../forward.ts';
import type { StreamTimeouts } from '../timeouts.ts';
import type { SpdyHeaders } from './header-block.ts';
import { startSpdySession } from './session.ts';
import type { SpdyStream } from './stream.ts';

export const spdyPortForwardProtocol = 'portforward.k8s.io';

/** Two for each forwarded connection. */
const maxStreams = 2000;

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly expired: Timer;
}

/**
 * Port forwarding over SPDY: each forwarded connection is a pair of streams with the same request number, one for its
 * bytes and one for what goes wrong. Resolves when the client has hung up.
 */
export async function servePortForward(
  transport: Duplex,
  parts: {
    readonly pod: PodRef;
    readonly connect: Connect;
    readonly timeouts: StreamTimeouts;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { pod, timeouts } = parts;
  /** Those that lack a stream. */
  const pairs = new Map<string, Pair>();

  const expire = (requestId: string): void => {
    const pair = pairs.get(requestId);
    pairs.delete(requestId);
    pair?.error?.end(`timed out waiting for streams of request ${requestId}`);
    pair?.data?.destroy();
  };
  const onStream = (stream: SpdyStream, headers: SpdyHeaders): void => {
    const { type, port, requestId } = readHeaders(stream, headers);
    let pair = pairs.get(requestId);
    if (pair === undefined) {
      pair = { expired: timeouts.clock.after(timeouts.creationMs, () => expire(requestId)) };
      pairs.set(requestId, pair);
    }
    if (pair[type] !== undefined) throw new CodedError('InvalidInput', `${type} stream already assigned`);
    pair[type] = stream;
    if (pair.data === undefined || pair.error === undefined) return;
    pair.expired.cancel();
    pairs.delete(requestId);
    void forward({ pod, port, data: pair.data, error: pair.error }, parts);
  };

  const session = startSpdySession(transport, timeouts, { maxStreams, onStream });
  await session.closed;
  for (const pair of pairs.values()) pair.expired.cancel();
}

function readHeaders(
  stream: SpdyStream,
  headers: SpdyHeaders,
): { readonly type: 'data' | 'error'; readonly port: number; readonly requestId: string } {
  const type = headers.get('streamtype');
  if (type !== 'data' && type !== 'error') throw new CodedError('InvalidInput', `invalid stream type "${type}"`);
  const portText = headers.get('port') ?? '';
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) {
    throw new CodedError('InvalidInput', `"${portText}" is not a port`);
  }
  // A client without request numbers opens the error stream, and then at once the stream for its data.
  const requestId = headers.get('requestid') || `${type === 'error' ? stream.id : stream.id - 2}`;
  return { type, port, requestId };
}
