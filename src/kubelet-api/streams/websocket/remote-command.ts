import type { Duplex } from 'node:stream';
import type { Call } from '../../call.ts';
import { type CommandStatus, statusAsJson, statusAsText } from '../command-status.ts';
import { endAll } from '../end-of-stream.ts';
import type { CommandOptions, CommandSession } from '../remote-command.ts';
import { TerminalSizes } from '../terminal-sizes.ts';
import type { StreamTimeouts } from '../timeouts.ts';
import type { Upgrade } from '../upgrade.ts';
import { acceptWebSocket } from './accept.ts';
import { type ChannelEncoding, Channels } from './channels.ts';

interface Version {
  readonly encoding: ChannelEncoding;
  readonly halfClose: boolean;
  readonly statusAsJson: boolean;
}

/** v5 is what kubectl speaks; the others are those of dashboards and of clients in other languages. */
const versions: Readonly<Record<string, Version>> = {
  'v5.channel.k8s.io': { encoding: 'binary', halfClose: true, statusAsJson: true },
  'v4.channel.k8s.io': { encoding: 'binary', halfClose: false, statusAsJson: true },
  'v4.base64.channel.k8s.io': { encoding: 'base64', halfClose: false, statusAsJson: true },
  'channel.k8s.io': { encoding: 'binary', halfClose: false, statusAsJson: false },
  'base64.channel.k8s.io': { encoding: 'base64', halfClose: false, statusAsJson: false },
  '': { encoding: 'binary', halfClose: false, statusAsJson: false },
};

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/** An exec or attach over WebSocket: a channel for each direction, by number. */
export async function acceptWebSocketCommand(parts: {
  readonly call: Call;
  readonly upgrade: Upgrade;
  readonly options: CommandOptions;
  readonly timeouts: StreamTimeouts;
}): Promise<CommandSession> {
  const { call, upgrade, options, timeouts } = parts;
  const { ws, socket, protocol } = await acceptWebSocket({ request: call.request, upgrade }, Object.keys(versions));
  const version = versions[protocol];
  if (version === undefined) throw new TypeError(`${protocol} was agreed on and is not ours`);
  const channels = new Channels({ ...version, ws, socket, timeouts });
  const writer = (number: number): Duplex => channels.open(number, { readable: false, writable: true });
  const reader = (number: number): Duplex => channels.open(number, { readable: true, writable: false });
  const stdin = options.stdin ? reader(channel.stdin) : undefined;
  const stdout = options.stdout ? writer(channel.stdout) : undefined;
  const stderr = options.stderr ? writer(channel.stderr) : undefined;
  const error = writer(channel.error);
  const resizes = new TerminalSizes();
  reader(channel.resize)
    .on('data', (bytes: Buffer) => resizes.write(bytes))
    .on('close', () => resizes.end());
  if (!options.tty) resizes.end();
  channels.start();
  // Tells the client that it is heard, before there is any output.
  (stdout ?? stderr ?? error).write('');
  return {
    streams: { stdin, stdout, stderr, resizes },
    finish: async (status: CommandStatus) => {
      await endAll(stdout, stderr);
      error.write(version.statusAsJson ? statusAsJson(status) : statusAsText(status));
      await endAll(error);
      channels.close();
    },
  };
}
