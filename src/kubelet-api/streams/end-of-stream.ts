import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Ends streams and waits until all of it is on its way to the client, or the client is gone. */
export async function endAll(...streams: readonly (Writable | undefined)[]): Promise<void> {
  const open = streams.filter((stream) => stream !== undefined);
  await Promise.all(
    open.map(async (stream) => {
      const sent = finished(stream, { readable: false });
      stream.end();
      // A client that is gone takes nothing any more, and needs nothing.
      await sent.catch(() => {});
    }),
  );
}
