import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type { Collection } from '../store/collection.ts';
import type { MetadataUris } from '../tasks/metadata-uris.ts';

/** What a path after `/v4/` gives; undefined for one that nobody knows. `network` is the one that was asked from. */
export type FindMetadata = (
  token: string,
  rest: string,
  options: { readonly signal: AbortSignal; readonly network: MetadataNetwork },
) => Promise<unknown>;

/** A network of tasks, and our own address in it, which is its gateway. */
export interface MetadataNetwork {
  readonly cidr: string;
  readonly gateway: string;
}

/** The port by our address, kept: containers that run on over a restart of ours know it. */
export interface MetadataPort {
  readonly port: number;
}

/**
 * The task metadata endpoint: listens on this machine's addresses in the networks of tasks, and on no other. A
 * container's path holds a token that nobody else knows.
 */
export class MetadataServer implements MetadataUris {
  readonly #find: FindMetadata;
  readonly #ports: Collection<MetadataPort>;
  readonly #log: Logger;
  readonly #servers = new Map<string, Promise<Server | undefined>>();
  readonly #ending = new AbortController();

  constructor(options: {
    readonly find: FindMetadata;
    readonly ports: Collection<MetadataPort>;
    readonly log: Logger;
  }) {
    this.#find = options.find;
    this.#ports = options.ports;
    this.#log = options.log;
  }

  async uriFor(sandboxIp: string, token: string): Promise<string | undefined> {
    const network = networkOf(sandboxIp);
    const server = network && (await this.#serverOn(network));
    return server && `http://${network.gateway}:${(server.address() as AddressInfo).port}/v4/${token}`;
  }

  async close(): Promise<void> {
    this.#ending.abort(new CodedError('Unavailable', 'the server ends'));
    for (const starting of this.#servers.values()) {
      const server = await starting;
      server?.closeAllConnections();
      server?.close();
    }
  }

  #serverOn(network: MetadataNetwork): Promise<Server | undefined> {
    const server = this.#servers.get(network.gateway) ?? this.#listen(network);
    this.#servers.set(network.gateway, server);
    return server;
  }

  async #listen(network: MetadataNetwork): Promise<Server | undefined> {
    const address = network.gateway;
    const server = createServer((request, response) => void this.#answer(request.url ?? '', response, network));
    try {
      server.listen(this.#ports.get(address)?.port ?? 0, address);
      await once(server, 'listening');
    } catch (error) {
      this.#log.warn('tasks have no metadata endpoint', { address, error });
      return undefined;
    }
    server.unref();
    this.#ports.set(address, { port: (server.address() as AddressInfo).port });
    return server;
  }

  /** Never rejects. */
  async #answer(url: string, response: ServerResponse, network: MetadataNetwork): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new CodedError('Unavailable', 'the caller has gone')));
    const signal = AbortSignal.any([gone.signal, this.#ending.signal]);
    const [, token, rest = ''] = /^\/v4\/([^/?]+)\/?([^?]*?)\/?(?:\?.*)?$/.exec(url) ?? [];
    let [status, body]: [number, unknown] = [404, { message: 'there is no such metadata' }];
    try {
      const found = token === undefined ? undefined : await this.#find(token, rest, { signal, network });
      if (found !== undefined) [status, body] = [200, found];
    } catch (error) {
      if (!signal.aborted) this.#log.warn('task metadata cannot be told', { rest, error });
      [status, body] = [500, { message: messageOf(error) }];
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }
}

/** The network of a sandbox, where we have an address in it. */
function networkOf(sandboxIp: string): MetadataNetwork | undefined {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family, cidr, internal } of addresses ?? []) {
      if (internal || family !== 'IPv4' || cidr === null || !isIPv4(sandboxIp)) continue;
      const bits = Number(cidr.slice(cidr.indexOf('/') + 1));
      const network = new BlockList();
      network.addSubnet(address, bits);
      if (network.check(sandboxIp)) return { gateway: address, cidr: `${firstOf(address, bits)}/${bits}` };
    }
  }
  return undefined;
}

/** The first address of a network: one of its addresses without the bits that tell machines apart. */
function firstOf(address: string, bits: number): string {
  const parts = address.split('.').map(Number);
  return parts.map((part, index) => part & (0xff00 >> Math.min(Math.max(bits - 8 * index, 0), 8))).join('.');
}
