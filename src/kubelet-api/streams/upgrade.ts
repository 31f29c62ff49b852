import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from '../errors.ts';

/** A connection whose client wants to leave HTTP. Until `take`, the request is answered as any other. */
export class Upgrade {
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #response: ServerResponse;
  #taken = false;

  constructor(parts: { readonly socket: Duplex; readonly head: Buffer; readonly response: ServerResponse }) {
    this.#socket = parts.socket;
    this.#head = parts.head;
    this.#response = parts.response;
  }

  get taken(): boolean {
    return this.#taken;
  }

  /** The connection and what the client has sent on it already. Nothing can be answered by HTTP from here on. */
  take(): { readonly socket: Duplex; readonly head: Buffer } {
    this.#taken = true;
    // The response only ever gets sockets of HTTP, which these are.
    this.#response.detachSocket(this.#socket as NonNullable<ServerResponse['socket']>);
    return { socket: this.#socket, head: this.#head };
  }
}

export type UpgradeKind = 'spdy' | 'websocket';

/** What the client wants to change to. Throws 400, in kubelet's words, where it is nothing of ours. */
export function upgradeKind(request: IncomingMessage): UpgradeKind {
  const wanted = request.headers.upgrade?.toLowerCase() ?? '';
  if (wanted === 'websocket') return 'websocket';
  if (wanted.includes('spdy/3.1')) return 'spdy';
  throw new HttpError(400, 'Upgrade request required');
}
