import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cluster } from './harness.ts';

/** How kubectl speaks to the API server, and that to the node. */
export interface Transport {
  readonly name: 'websocket' | 'spdy';
  readonly environment: Readonly<Record<string, string>>;
}

export const transports: readonly Transport[] = [
  // Handed through to the node.
  { name: 'websocket', environment: {} },
  {
    name: 'spdy',
    environment: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
  },
];

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A kubectl, or another command that does as it does, with bytes going in and out. */
export class KubectlProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #ended: Promise<number | null>;

  constructor(
    args: readonly string[],
    { environment, command = ['kubectl'] }: Pick<Transport, 'environment'> & { readonly command?: readonly string[] },
  ) {
    this.child = runInside([...command, ...args], environment);
    this.child.stdin.on('error', () => {});
    this.child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    this.#ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Reads what it says, for `stdout`. */
  listen(): this {
    this.child.stdout.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    return this;
  }

  /** Gives it input and waits for its end. */
  async end(input: string | Buffer = ''): Promise<KubectlResult> {
    this.listen();
    this.child.stdin.end(input);
    return await this.ended();
  }

  async ended(): Promise<KubectlResult> {
    const code = await this.#ended;
    return { code, stdout: Buffer.concat(this.#stdout), stderr: this.stderr };
  }

  /** Sends so many bytes through it, and gives the hashes of what went in and what came out. */
  async passThrough(bytes: number): Promise<{ readonly sent: string; readonly received: string }> {
    const sent = createHash('sha256');
    const [received] = await Promise.all([hashOf(this.child.stdout), pipeline(noise(bytes, sent), this.child.stdin)]);
    await this.#ended;
    return { sent: sent.digest('hex'), received };
  }
}

/** Bytes that repeat nowhere near, cheap to make. */
export async function* noise(bytes: number, hash: Hash): AsyncGenerator<Buffer> {
  const block = createHash('shake256', { outputLength: 65_536 }).update('noise').digest();
  for (let left = bytes, serial = 0; left > 0; serial++) {
    const chunk = Buffer.from(block.subarray(0, Math.min(left, block.length)));
    if (chunk.length >= 4) chunk.writeUInt32BE(serial);
    hash.update(chunk);
    left -= chunk.length;
    yield chunk;
  }
}

export async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Runs a command beside the API server. */
export function runInside(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  const [file = '', ...args] = cluster.inside(command);
  return spawn(file, args, { env: { ...process.env, ...cluster.environment(), ...environment } });
}
