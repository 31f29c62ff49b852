import type { PodRef } from '../../../kubernetes/objects.ts';
import { HttpError } from '../../errors.ts';
import { type Connect, forward } from '../forward.ts';
import type { StreamTimeouts } from '../timeouts.ts';
import { type ChannelEncoding, Channels, type ChannelsOptions } from './channels.ts';

/** What clients in other languages speak: two channels a port, its bytes and what goes wrong. */
export const channelPortForwardProtocols: Readonly<Record<string, ChannelEncoding>> = {
  'v4.channel.k8s.io': 'binary',
  'v4.base64.channel.k8s.io': 'base64',
  '': 'binary',
};

/** One byte numbers the channels. */
const maxPorts = 100;

/** The ports that a client names in its query; throws 400 in kubelet's words. */
export function parsePorts(query: URLSearchParams): number[] {
  const texts = query.getAll('port');
  if (texts.length === 0) throw new HttpError(400, 'query parameter "port" is required');
  const ports = texts
    .flatMap((text) => text.split(','))
    .map((text) => {
      if (text === '') throw new HttpError(400, 'query parameter "port" cannot be empty');
      const port = Number(text);
      if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new HttpError(400, `unable to parse "${text}" as a port`);
      if (port < 1) throw new HttpError(400, `port "${text}" must be > 0`);
      return port;
    });
  if (ports.length > maxPorts) throw new HttpError(400, `at most ${maxPorts} ports can be forwarded at once`);
  return ports;
}

/** Forwards one connection for each port. Resolves when all have ended or the client has hung up. */
export async function serveChannelPortForward(
  connection: Pick<ChannelsOptions, 'ws' | 'socket'> & { readonly encoding: ChannelEncoding },
  parts: {
    readonly pod: PodRef;
    readonly ports: readonly number[];
    readonly connect: Connect;
    readonly timeouts: StreamTimeouts;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const channels = new Channels({ ...connection, halfClose: false, timeouts: parts.timeouts });
  const forwarded = parts.ports.map((port, index) => {
    const data = channels.open(index * 2, { readable: true, writable: true });
    const error = channels.open(index * 2 + 1, { readable: false, writable: true });
    const portBytes = Buffer.alloc(2);
    portBytes.writeUInt16LE(port, 0);
    data.write(portBytes);
    error.write(portBytes);
    return forward({ pod: parts.pod, port, data, error }, parts);
  });
  channels.start();
  await Promise.all(forwarded);
  channels.close();
}
