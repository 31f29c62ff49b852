import type { Duplex } from 'node:stream';

/**
 * Passes bytes between a client and a connection to a pod until both are closed or the signal aborts. Each direction
 * ends by itself. When the pod's side is gone, the client's side ends; when the client breaks off, the pod's side does.
 */
export async function join(client: Duplex, target: Duplex, options: { readonly signal: AbortSignal }): Promise<void> {
  const closed = Promise.all([whenClosed(client), whenClosed(target)]);
  const breakOff = (): void => {
    client.destroy();
    target.destroy();
  };
  client.on('error', breakOff);
  target.on('error', breakOff);
  options.signal.addEventListener('abort', breakOff);
  // A client that has sent its end is heard to the end: what it sent may still be on its way to the pod.
  client.on('close', () => {
    if (!client.readableEnded) target.destroy();
  });
  // What the client still sends would hold back its other streams: it is dropped with the stream.
  target.on('close', () => client.end(() => client.destroy()));
  client.pipe(target);
  target.pipe(client);
  await closed;
  options.signal.removeEventListener('abort', breakOff);
}

function whenClosed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', () => resolve());
  });
}
