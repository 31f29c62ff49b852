import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from '../../errors.ts';
import type { Upgrade } from '../upgrade.ts';

const versionHeader = 'x-stream-protocol-version';

/**
 * Agrees on one of our protocols in the client's order and answers 101. Throws 400 where the client names none, 403
 * (and tells ours) where it names no common one, as kubelet does.
 */
export function acceptSpdy(
  parts: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly upgrade: Upgrade },
  protocols: readonly string[],
): { readonly transport: Duplex; readonly protocol: string } {
  const protocol = negotiate(parts.request, parts.response, protocols);
  const { socket, head } = parts.upgrade.take();
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return { transport: socket, protocol };
}

function negotiate(request: IncomingMessage, response: ServerResponse, protocols: readonly string[]): string {
  const wanted = [request.headers[versionHeader] ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (wanted.length === 0) {
    throw new HttpError(400, 'unable to upgrade: header X-Stream-Protocol-Version does not exist in request');
  }
  const protocol = wanted.find((candidate) => protocols.includes(candidate));
  if (protocol === undefined) {
    response.setHeader('x-accepted-stream-protocol-versions', [...protocols]);
    const words = `client supports [${wanted.join(' ')}], server accepts [${protocols.join(' ')}]`;
    throw new HttpError(403, `unable to upgrade: unable to negotiate protocol: ${words}`);
  }
  return protocol;
}
