import { Writable } from 'node:stream';
import { podRef } from '../kubernetes/objects.ts';
import type { ProcessStreams } from '../provider/process-streams.ts';
import { CodedError } from '../support/errors.ts';
import { type Handler, parameter } from './call.ts';
import { HttpError } from './errors.ts';
import type { StreamDeps } from './exec.ts';
import { findPod, findRunningContainer } from './find-pod.ts';

/** As much as the runtimes of a kubelet take of such a command. */
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * `POST /run/<namespace>/<pod>[/<uid>]/<container>?cmd=`: runs a command, words separated by single spaces as in
 * kubelet, without input or terminal, and answers with its stdout and then its stderr. One that fails is 500.
 */
export function run({ pods, provider, log }: Omit<StreamDeps, 'timeouts'>): Handler {
  return async (call) => {
    const container = parameter(call, 'container');
    const pod = findPod(pods, call);
    findRunningContainer(pods, pod, container);
    const command = (call.query.get('cmd') ?? '').split(' ');
    if (provider.exec === undefined) {
      throw new CodedError('NotImplemented', `provider ${provider.name} cannot run commands in containers`);
    }
    const ref = podRef(pod);
    log.info('run a command in a container', { pod: ref, container, by: call.caller.name });
    const output = new CollectedOutput();
    const signal = AbortSignal.any([call.signal, output.tooLarge]);
    const { exitCode } = await provider.exec({ pod: ref, container, command, tty: false }, output.streams, { signal });
    const bytes = output.bytes();
    if (exitCode !== 0) throw new HttpError(500, `command '${command.join(' ')}' exited with ${exitCode}: ${bytes}`);
    call.response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    call.response.end(bytes);
  };
}

class CollectedOutput {
  readonly streams: ProcessStreams;
  readonly #full = new AbortController();
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #size = 0;

  constructor() {
    this.streams = {
      stdin: undefined,
      stdout: this.#collect(this.#stdout),
      stderr: this.#collect(this.#stderr),
      resizes: noSizes(),
    };
  }

  /** Aborts when there is more than anybody should want in one answer. */
  get tooLarge(): AbortSignal {
    return this.#full.signal;
  }

  bytes(): Buffer {
    return Buffer.concat([...this.#stdout, ...this.#stderr]);
  }

  #collect(chunks: Buffer[]): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, callback) => {
        this.#size += chunk.length;
        if (this.#size > maxOutputBytes) {
          const reason = new CodedError('Terminal', `the output has more than ${maxOutputBytes} bytes: use exec`);
          this.#full.abort(reason);
          callback(reason);
          return;
        }
        chunks.push(chunk);
        callback();
      },
    }).on('error', () => {});
  }
}

async function* noSizes(): AsyncGenerator<never> {}
