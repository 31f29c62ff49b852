import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** When a process dies: at its so-manieth call, before it is made or before its answer comes. */
export interface Death {
  readonly atCall: number;
  readonly when: 'before' | 'after';
}

/**
 * Stands between one process of ours and Fargate, and cuts the process off at a call of its life, for good: for everybody
 * else that is its death.
 */
export class DyingEndpoint {
  readonly #target: string;
  readonly #death: Death;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #dead = Promise.withResolvers<string>();
  #calls = 0;
  #isDead = false;

  constructor(target: string, death: Death) {
    this.#target = target;
    this.#death = death;
    this.#server = createServer((incoming, answer) => this.#forward(incoming, answer));
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves at the death, with the call that it happened at. */
  get dead(): Promise<string> {
    return this.#dead.promise;
  }

  close(): void {
    this.#die('its end');
    this.#server.close();
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse): void {
    const call = this.#calls++;
    const isLast = call === this.#death.atCall;
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    if (this.#isDead || (isLast && this.#death.when === 'before')) {
      this.#die(`before ${operation}`);
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request(`${this.#target}${url ?? ''}`, { method, headers }, (reply) => {
      if (isLast || this.#isDead) {
        reply.resume();
        this.#die(`after ${operation}`);
        return;
      }
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    outgoing.once('error', () => answer.destroy());
    incoming.pipe(outgoing);
  }

  #die(at: string): void {
    this.#isDead = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#dead.resolve(at);
  }
}
