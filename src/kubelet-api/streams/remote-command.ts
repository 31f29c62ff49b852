import type { ProcessStreams } from '../../provider/process-streams.ts';
import { HttpError } from '../errors.ts';
import type { CommandStatus } from './command-status.ts';

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
