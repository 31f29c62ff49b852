import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { HttpError } from '../../errors.ts';
import type { Upgrade } from '../upgrade.ts';

/** The largest message that is put together, as kubelet; some clients send a whole file as one. */
const maxMessageBytes = 32 * 1024 * 1024;

/** The protocols that a client offers, in its order. */
export function offeredProtocols(request: IncomingMessage): readonly string[] {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/**
 * Agrees on the first of the client's protocols that is ours, or on none where it offers none and we take that (''),
 * and answers 101. The WebSocket comes paused. Throws 400 where there is none in common, or the request is no good WebSocket handshake.
 */
export function acceptWebSocket(
  parts: { readonly request: IncomingMessage; readonly upgrade: Upgrade },
  protocols: readonly string[],
): Promise<{ readonly ws: WebSocket; readonly socket: Duplex; readonly protocol: string }> {
  const { request, upgrade } = parts;
  const offered = offeredProtocols(request);
  const protocol = (offered.length === 0 ? [''] : offered).find((candidate) => protocols.includes(candidate));
  if (protocol === undefined) {
    const words = `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${protocols.join(' ')}]`;
    throw new HttpError(400, words);
  }
  checkHandshake(request);
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
  });
  // Agreed on already, and here rather than by the library: it takes no slash in a protocol's name, and kubectl's has one.
  delete request.headers['sec-websocket-protocol'];
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  const { socket, head } = upgrade.take();
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new HttpError(400, 'the WebSocket handshake failed')));
    server.handleUpgrade(request, socket, head, (ws) => {
      // Nothing may come before there is somebody to take it.
      ws.pause();
      resolve({ ws, socket, protocol });
    });
  });
}

/** What the library would refuse on its own once the connection is its: we answer while we still can. */
function checkHandshake(request: IncomingMessage): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const good =
    request.method === 'GET' &&
    request.headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(String(key));
  if (!good) throw new HttpError(400, 'not a WebSocket handshake of version 13');
}
