import { createConnection, type Socket } from 'node:net';

/**
 * A process that a `NamespaceDialer` starts inside a network namespace. It connects to ports of the loopback there and
 * hands the sockets over: a socket stays in the namespace that it was made in, whoever holds it.
 */
export interface DialRequest {
  readonly id: number;
  readonly port: number;
}

export interface DialAnswer {
  readonly id: number;
  /** Why there is no socket. */
  readonly error?: string;
}

/** IPv6 where nobody listens at IPv4, as a kubelet's runtimes do it. */
const loopbacks = ['127.0.0.1', '::1'];

async function dial({ id, port }: DialRequest): Promise<void> {
  const errors: string[] = [];
  for (const host of loopbacks) {
    try {
      hand({ id }, await connect(host, port));
      return;
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
    }
  }
  hand({ id, error: errors.join('; ') });
}

function connect(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, allowHalfOpen: true });
    // What the server says first is to be read by who gets the socket.
    socket.pause();
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function hand(answer: DialAnswer, socket?: Socket): void {
  // Who asked may be gone.
  process.send?.(answer, socket, {}, () => {});
}

process.on('message', (request: DialRequest) => void dial(request));
