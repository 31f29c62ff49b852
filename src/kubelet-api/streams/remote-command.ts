import type { ProcessStreams } from '../../provider/process-streams.ts';
import { type Call, requireUpgrade } from '../call.ts';
import { HttpError } from '../errors.ts';
import type { CommandStatus } from './command-status.ts';
import { acceptSpdyCommand } from './spdy/remote-command.ts';
import type { StreamTimeouts } from './timeouts.ts';
import { upgradeKind } from './upgrade.ts';
import { acceptWebSocketCommand } from './websocket/remote-command.ts';

/** Which streams a client wants. */
export interface CommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's end of an exec or attach, over whichever transport. */
export interface CommandSession {
  readonly streams: ProcessStreams;
  /** Ends the streams, tells the client how it went, and says goodbye. Resolves when that is on its way. */
  finish(status: CommandStatus): Promise<void>;
}

/** Reads the query of an exec or attach, with kubelet's rule that a terminal has no separate stderr. */
export function parseCommandOptions(query: URLSearchParams): CommandOptions {
  const on = (name: string): boolean => query.get(name) === '1';
  const tty = on('tty');
  const options = { stdin: on('input'), stdout: on('output'), stderr: on('error') && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return options;
}

/**
 * Leaves HTTP for what the client asks for, SPDY or WebSocket, and resolves when its streams are there. Rejects where
 * they cannot be agreed on (the request is then still to be answered) or did not come in time.
 */
export function acceptCommand(call: Call, options: CommandOptions, timeouts: StreamTimeouts): Promise<CommandSession> {
  const upgrade = requireUpgrade(call);
  return upgradeKind(call.request) === 'spdy'
    ? acceptSpdyCommand({ call, upgrade, options, timeouts })
    : acceptWebSocketCommand({ call, upgrade, options, timeouts });
}
