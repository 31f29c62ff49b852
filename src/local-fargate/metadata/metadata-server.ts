import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Logger } from '../../support/logger.ts';
import type { Collection } from '../store/collection.ts';
import type { MetadataUris } from '../tasks/metadata-uris.ts';

/** What a path after `/v4/` gives; undefined for one that nobody knows. */
export type FindMetadata = (token: string, rest: string) => Record<string, unknown> | undefined;

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
    const address = gatewayOf(sandboxIp);
    const server = address === undefined ? undefined : await this.#serverOn(address);
    return server && `http://${address}:${(server.address() as AddressInfo).port}/v4/${token}`;
  }

  async close(): Promise<void> {
    for (const starting of this.#servers.values()) {
      const server = await starting;
      server?.closeAllConnections();
      server?.close();
    }
  }

  #serverOn(address: string): Promise<Server | undefined> {
    const server = this.#servers.get(address) ?? this.#listen(address);
    this.#servers.set(address, server);
    return server;
  }

  async #listen(address: string): Promise<Server | undefined> {
    const server = createServer((request, response) => {
      const [, token, rest = ''] = /^\/v4\/([^/]+)\/?(.*)$/.exec(request.url ?? '') ?? [];
      const found = token === undefined ? undefined : this.#find(token, rest);
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(found ?? { message: 'there is no such metadata' }));
    });
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
}

/** Our own address in the network of a sandbox, where we have one. */
function gatewayOf(sandboxIp: string): string | undefined {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family, cidr, internal } of addresses ?? []) {
      if (internal || family !== 'IPv4' || cidr === null || !isIPv4(sandboxIp)) continue;
      const network = new BlockList();
      network.addSubnet(address, Number(cidr.slice(cidr.indexOf('/') + 1)));
      if (network.check(sandboxIp)) return address;
    }
  }
  return undefined;
}
