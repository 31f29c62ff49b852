import { type Call, requireUpgrade } from '../call.ts';
import type { CommandOptions, CommandSession } from './remote-command.ts';
import { acceptSpdyCommand } from './spdy/remote-command.ts';
import type { StreamTimeouts } from './timeouts.ts';
import { upgradeKind } from './upgrade.ts';
import { acceptWebSocketCommand } from './websocket/remote-command.ts';

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
