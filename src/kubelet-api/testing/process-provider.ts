import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { ExecResult, ProcessStreams, TerminalSize } from '../../provider/process-streams.ts';
import type { Provider } from '../../provider/provider.ts';
import { CodedError } from '../../support/errors.ts';

/** What tests want to know of the processes. */
export interface ProcessRecord {
  readonly sizes: TerminalSize[];
  running: number;
  aborted: number;
}

/** A provider whose containers are processes of this machine: exec, attach (to `cat`) and port-forward to loopback. */
export function processProvider(): { readonly parts: Partial<Provider>; readonly record: ProcessRecord } {
  const record: ProcessRecord = { sizes: [], running: 0, aborted: 0 };
  const run = async (command: readonly string[], streams: ProcessStreams, signal: AbortSignal): Promise<ExecResult> => {
    const [file = '', ...rest] = command;
    const child = spawn(file, rest, { stdio: 'pipe' });
    record.running++;
    const onAbort = (): void => {
      record.aborted++;
      child.kill('SIGKILL');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const started = once(child, 'spawn');
    const ended = once(child, 'close') as Promise<[number | null, string | null]>;
    ended.catch(() => {});
    try {
      await started;
      void (async () => {
        for await (const size of streams.resizes) record.sizes.push(size);
      })();
      if (streams.stdin === undefined) child.stdin.end();
      else pipeline(streams.stdin, child.stdin).catch(() => {});
      const output = [
        streams.stdout && pipeline(child.stdout, streams.stdout, { end: false }),
        streams.stderr && pipeline(child.stderr, streams.stderr, { end: false }),
      ];
      if (streams.stdout === undefined) child.stdout.resume();
      if (streams.stderr === undefined) child.stderr.resume();
      await Promise.all(output);
      const [code] = await ended;
      return { exitCode: code ?? 137 };
    } catch (error) {
      throw new CodedError('Internal', `cannot run ${file}`, { cause: error });
    } finally {
      record.running--;
      signal.removeEventListener('abort', onAbort);
    }
  };
  return {
    record,
    parts: {
      exec: ({ command }, streams, { signal }) => run(command, streams, signal),
      attach: async (_request, streams, { signal }) => {
        await run(['cat'], streams, signal);
      },
      portForward: async ({ port }, { signal }) => {
        const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, signal });
        await once(socket, 'connect');
        return socket;
      },
    },
  };
}
