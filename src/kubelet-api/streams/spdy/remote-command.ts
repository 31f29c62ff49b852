import { CodedError } from '../../../support/errors.ts';
import type { Call } from '../../call.ts';
import { type CommandStatus, statusAsJson, statusAsText } from '../command-status.ts';
import { endAll } from '../end-of-stream.ts';
import type { CommandOptions, CommandSession } from '../remote-command.ts';
import { TerminalSizes } from '../terminal-sizes.ts';
import type { StreamTimeouts } from '../timeouts.ts';
import type { Upgrade } from '../upgrade.ts';
import { acceptSpdy } from './accept.ts';
import { type SpdySession, startSpdySession } from './session.ts';
import type { SpdyStream } from './stream.ts';

/** What the versions of the protocol differ in. v1 has the fault that input is not taken; nobody asks for it alone. */
const protocols: Readonly<Record<string, { readonly resizes: boolean; readonly statusAsJson: boolean }>> = {
  'v4.channel.k8s.io': { resizes: true, statusAsJson: true },
  'v3.channel.k8s.io': { resizes: true, statusAsJson: false },
  'v2.channel.k8s.io': { resizes: false, statusAsJson: false },
  'channel.k8s.io': { resizes: false, statusAsJson: false },
};

type StreamType = 'stdin' | 'stdout' | 'stderr' | 'error' | 'resize';
type Streams = Partial<Record<StreamType, SpdyStream>>;

/** An exec or attach over SPDY: a stream for each direction, named in its headers. */
export async function acceptSpdyCommand(parts: {
  readonly call: Call;
  readonly upgrade: Upgrade;
  readonly options: CommandOptions;
  readonly timeouts: StreamTimeouts;
}): Promise<CommandSession> {
  const { call, upgrade, options, timeouts } = parts;
  const { transport, protocol } = acceptSpdy({ ...call, upgrade }, Object.keys(protocols));
  const version = protocols[protocol];
  if (version === undefined) throw new TypeError(`${protocol} was agreed on and is not ours`);
  const expected: StreamType[] = ['error'];
  for (const type of ['stdin', 'stdout', 'stderr'] as const) if (options[type]) expected.push(type);
  if (options.tty && version.resizes) expected.push('resize');
  const streams: Streams = {};
  const session = await waitForStreams(
    (onStream) => startSpdySession(transport, timeouts, { maxStreams: expected.length, onStream }),
    { expected, streams, timeouts },
  );
  const resizes = new TerminalSizes();
  if (streams.resize === undefined) resizes.end();
  streams.resize?.on('data', (bytes: Buffer) => resizes.write(bytes));
  void session.closed.then(() => resizes.end());
  return {
    streams: { stdin: streams.stdin, stdout: streams.stdout, stderr: streams.stderr, resizes },
    finish: async (status: CommandStatus) => {
      await endAll(streams.stdout, streams.stderr);
      streams.error?.write(version.statusAsJson ? statusAsJson(status) : statusAsText(status));
      await endAll(streams.error);
      session.close();
    },
  };
}

/** Starts the session, and resolves with it when the client has opened all that it asked for. */
function waitForStreams(
  start: (onStream: (stream: SpdyStream, headers: ReadonlyMap<string, string>) => void) => SpdySession,
  parts: { readonly expected: readonly StreamType[]; readonly streams: Streams; readonly timeouts: StreamTimeouts },
): Promise<SpdySession> {
  const { expected, streams, timeouts } = parts;
  return new Promise((resolve, reject) => {
    const session = start((stream, headers) => {
      const type = expected.find((candidate) => candidate === headers.get('streamtype'));
      if (type === undefined || streams[type] !== undefined) {
        throw new CodedError('InvalidInput', `unexpected stream type: "${headers.get('streamtype')}"`);
      }
      streams[type] = stream;
      if (expected.every((wanted) => streams[wanted] !== undefined)) {
        expired.cancel();
        resolve(session);
      }
    });
    const expired = timeouts.clock.after(timeouts.creationMs, () => {
      session.connection.destroy();
      reject(new CodedError('Timeout', 'timed out waiting for client to create streams'));
    });
    void session.closed.then(() => {
      expired.cancel();
      reject(new CodedError('Unavailable', 'the client has gone before it had created its streams'));
    });
  });
}
