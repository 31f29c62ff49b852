import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../../support/errors.ts';
import type { CallOptions } from '../../runtime.ts';
import type { DialAnswer, DialRequest } from './dial-process.ts';

/** Beside this file, and of its kind: source or built. */
const script = fileURLToPath(new URL(`./dial-process${extname(import.meta.url)}`, import.meta.url));

/** What nsenter says is one line. */
const maxErrorChars = 1000;

interface Waiting {
  readonly resolve: (socket: Socket) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Connects to the loopback of a network namespace. A process of ours in there makes the connections and hands their
 * sockets to us, so that their bytes go no detour. Starting it takes some 100 ms; a connection then less than one.
 */
export class NamespaceDialer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed: Promise<void>;
  #serial = 0;
  #errorText = '';
  #isClosed = false;

  /** `namespacePath` as `/proc/<pid>/ns/net`. */
  constructor(namespacePath: string) {
    this.#child = spawn('nsenter', [`--net=${namespacePath}`, '--', process.execPath, script], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Nothing of ours: neither its secrets nor options for node are for it.
      env: {},
    });
    this.#child.on('message', (answer: DialAnswer, socket?: unknown) => this.#take(answer, socket));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errorText = (this.#errorText + text).slice(0, maxErrorChars);
    });
    this.#closed = new Promise((resolve) => {
      const end = (cause: unknown): void => {
        this.#end(cause);
        resolve();
      };
      this.#child.once('error', end);
      this.#child.once('close', end);
    });
  }

  /** Whether it is of use for another connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  connect(port: number, { signal }: CallOptions): Promise<Socket> {
    signal.throwIfAborted();
    const id = ++this.#serial;
    return new Promise<Socket>((resolve, reject) => {
      const onAbort = (): void => settle(() => reject(signal.reason as Error));
      const settle = (finish: () => void): void => {
        this.#waiting.delete(id);
        signal.removeEventListener('abort', onAbort);
        finish();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(id, {
        resolve: (socket) => settle(() => resolve(socket)),
        reject: (error) => settle(() => reject(error)),
      });
      if (this.#isClosed) this.#end(undefined);
      else this.#child.send({ id, port } satisfies DialRequest, (error) => error && this.#end(error));
    });
  }

  /** Ends the process; connections that were made stay. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // It may be nsenter still, which heeds no channel.
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #take({ id, error }: DialAnswer, socket: unknown): void {
    const waiting = this.#waiting.get(id);
    if (socket instanceof Socket) {
      socket.allowHalfOpen = true;
      if (waiting) waiting.resolve(socket);
      else socket.destroy();
    } else {
      waiting?.reject(new CodedError('Unavailable', error ?? 'the connection was lost on its way'));
    }
  }

  #end(cause: unknown): void {
    this.#isClosed = true;
    const why = this.#errorText.trim() || 'is nsenter (package util-linux) installed, and may this process enter?';
    const error = new CodedError('Unavailable', `cannot enter the network of the pod: ${why}`, {
      cause: cause instanceof Error ? cause : undefined,
    });
    for (const { reject } of [...this.#waiting.values()]) reject(error);
  }
}
