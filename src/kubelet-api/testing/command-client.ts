import { EventEmitter, once } from 'node:events';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { TestKubeletApi } from './kubelet-api.ts';
import { SpdyClient } from './spdy-client.ts';

/** The client's end of an exec or attach. */
export interface CommandClient {
  /** Resolves when more may be sent. */
  send(bytes: Buffer | string): Promise<void>;
  endInput(): void;
  resize(width: number, height: number): void;
  stdout(): Buffer;
  stderr(): Buffer;
  stdoutBytes(): number;
  /** What the server said last on the error stream. */
  status(): string;
  /** Stops and goes on reading the connection. */
  pause(): void;
  resume(): void;
  /** Resolves when the server has said goodbye. */
  done(): Promise<void>;
  /** Hangs up without a word. */
  destroy(): void;
}

export interface Wanted {
  readonly stdin?: boolean;
  readonly stderr?: boolean;
  readonly tty?: boolean;
  /** Output is counted and not kept. */
  readonly countOnly?: boolean;
}

export function commandPath(base: string, command: readonly string[], wanted: Wanted): string {
  const query = new URLSearchParams(command.map((word) => ['command', word]));
  query.set('output', '1');
  if (wanted.stdin) query.set('input', '1');
  if (wanted.stderr ?? !wanted.tty) query.set('error', '1');
  if (wanted.tty) query.set('tty', '1');
  return `${base}?${query}`;
}

/** Asks for another protocol, and gives the connection when that is agreed on; rejects with status and text else. */
export function upgrade(
  kubelet: Pick<TestKubeletApi, 'options'>,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  method = 'POST',
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const sent = request(kubelet.options({ path, method, headers: { connection: 'Upgrade', ...headers } }));
    sent.on('upgrade', (_response, socket, head: Buffer) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
    });
    sent.on('error', reject);
    sent.end();
  });
}

export async function spdyCommand(
  kubelet: TestKubeletApi,
  path: string,
  wanted: Wanted,
  protocol = 'v4.channel.k8s.io',
): Promise<CommandClient> {
  const socket = await upgrade(kubelet, path, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol });
  const client = new SpdyClient(socket);
  const error = await client.open({ streamType: 'error' });
  client.end(error);
  const stdin = wanted.stdin ? await client.open({ streamType: 'stdin' }) : undefined;
  const stdout = await client.open({ streamType: 'stdout' });
  const stderr = (wanted.stderr ?? !wanted.tty) ? await client.open({ streamType: 'stderr' }) : undefined;
  const resize = wanted.tty ? await client.open({ streamType: 'resize' }) : undefined;
  if (wanted.countOnly) {
    stdout.on('data', () => {
      stdout.received = [];
    });
  }
  return {
    send: async (bytes) => {
      if (stdin && !client.send(stdin, bytes)) await once(socket, 'drain');
    },
    endInput: () => {
      if (stdin) client.end(stdin);
    },
    resize: (Width, Height) => {
      if (resize) client.send(resize, `${JSON.stringify({ Width, Height })}\n`);
    },
    stdout: () => Buffer.concat(stdout.received),
    stderr: () => Buffer.concat(stderr?.received ?? []),
    stdoutBytes: () => stdout.receivedBytes,
    status: () => error.text(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    done: async () => {
      await Promise.all([error.done(), stdout.done(), stderr?.done()]);
      if (!client.goAway) await once(socket, 'end');
      socket.destroy();
    },
    destroy: () => void socket.destroy(),
  };
}

export async function webSocketCommand(
  kubelet: TestKubeletApi,
  path: string,
  wanted: Wanted,
  protocol = 'v5.channel.k8s.io',
): Promise<CommandClient> {
  const { cert, key } = kubelet.options();
  const ws = new WebSocket(`wss://127.0.0.1:${kubelet.port}${path}`, protocol === '' ? [] : [protocol], {
    ...(cert && key ? { cert, key } : {}),
    rejectUnauthorized: false,
  });
  const base64 = protocol.includes('base64');
  const received = new Map<number, Buffer[]>();
  const events = new EventEmitter();
  let stdoutBytes = 0;
  let closed: number | undefined;
  ws.on('message', (data: Buffer) => {
    const number = base64 ? data.readUInt8(0) - 0x30 : data.readUInt8(0);
    const bytes = base64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    if (number === 1) stdoutBytes += bytes.length;
    if (number === 1 && wanted.countOnly) return;
    received.set(number, [...(received.get(number) ?? []), bytes]);
  });
  ws.on('error', () => {});
  ws.on('close', (code) => {
    closed = code;
    events.emit('closed');
  });
  await new Promise<void>((resolve, reject) => {
    ws.on('open', resolve);
    ws.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => reject(new Error(`${response.statusCode} ${text}`)));
    });
    ws.on('error', reject);
  });
  const send = (number: number, bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const message = base64 ? `${number}${bytes.toString('base64')}` : Buffer.concat([Buffer.of(number), bytes]);
      ws.send(message, () => resolve());
    });
  const channel = (number: number): Buffer => Buffer.concat(received.get(number) ?? []);
  return {
    send: (bytes) => send(0, Buffer.from(bytes)),
    endInput: () => ws.send(Buffer.of(255, 0)),
    resize: (Width, Height) => void send(4, Buffer.from(JSON.stringify({ Width, Height }))),
    stdout: () => channel(1),
    stderr: () => channel(2),
    stdoutBytes: () => stdoutBytes,
    status: () => channel(3).toString(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    done: async () => {
      if (closed === undefined) await once(events, 'closed');
      if (closed !== 1000) throw new Error(`closed with ${closed}`);
    },
    destroy: () => ws.terminate(),
  };
}
