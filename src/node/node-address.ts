import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { CodedError } from '../support/errors.ts';

/**
 * The address from which this machine reaches `apiServerUrl`, which is the one where the API server finds us. Nothing is
 * sent: the kernel is asked for its route. Where the API server is on this machine's loopback, the first address that is
 * not, since the API server refuses to proxy to loopback. `InvalidInput` where there is none.
 */
export async function addressTowards(apiServerUrl: string): Promise<string> {
  const { hostname } = new URL(apiServerUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  const routed = await routeSource(host).catch(() => undefined);
  if (routed !== undefined && !isLoopback(routed)) return routed;
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === 'IPv4');
  if (own) return own.address;
  throw new CodedError(
    'InvalidInput',
    'this machine has no address but loopback, where the API server will not call; give one with --node-ip',
  );
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === '0.0.0.0' || address === '::';
}

function routeSource(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    // Connecting a datagram socket chooses a route and sends no packet; the port does not matter.
    socket.connect(9, host, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
}
