import type { Socket } from 'node:net';

/**
 * TCP connections of callers who have not proved who they are, at most `limit`. For a newcomer too many the oldest
 * connection of the address that has the most is cut: whoever comes from elsewhere, or is quick to prove itself, always
 * gets in, however many a stranger opens.
 */
export class Strangers {
  readonly #limit: number;
  /** Sockets as accepted, before TLS; oldest first. */
  readonly #byAddress = new Map<string, Set<Socket>>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes in a connection that has just been accepted. Returns whether another one was cut for it. */
  add(socket: Socket): boolean {
    const crowded = this.#size >= this.#limit;
    if (crowded) this.#cutOne();
    const address = addressOf(socket);
    const sockets = this.#byAddress.get(address);
    if (sockets === undefined) this.#byAddress.set(address, new Set([socket]));
    else sockets.add(socket);
    this.#size++;
    socket.once('close', () => this.#remove(address, socket));
    return crowded;
  }

  /** The owner of this connection is known: it is none of ours any more. Takes also the TLS socket on top of it. */
  release(socket: Socket): void {
    const address = addressOf(socket);
    for (const accepted of this.#byAddress.get(address) ?? []) {
      // Node does not tell which socket is below a TLS socket, but no two have the same ends.
      if (accepted.remotePort === socket.remotePort && accepted.localAddress === socket.localAddress) {
        this.#remove(address, accepted);
        return;
      }
    }
  }

  #cutOne(): void {
    let [mostAddress, most] = ['', new Set<Socket>()];
    for (const [address, sockets] of this.#byAddress) {
      if (sockets.size > most.size) [mostAddress, most] = [address, sockets];
    }
    const [oldest] = most;
    if (oldest === undefined) return;
    this.#remove(mostAddress, oldest);
    oldest.destroy();
  }

  #remove(address: string, socket: Socket): void {
    const sockets = this.#byAddress.get(address);
    if (sockets?.delete(socket) !== true) return;
    this.#size--;
    if (sockets.size === 0) this.#byAddress.delete(address);
  }
}

/** Of a peer that has gone already nothing is known. */
function addressOf(socket: Socket): string {
  return socket.remoteAddress ?? '';
}
