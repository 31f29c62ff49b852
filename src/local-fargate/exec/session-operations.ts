import { z } from 'zod';
import { type Operation, operation } from '../protocol/operation.ts';
import type { ExecSessions } from './exec-sessions.ts';

const input = z.object({ SessionId: z.string().min(1).max(96) });

/** What the session-manager-plugin asks of Systems Manager. */
export function sessionOperations(sessions: ExecSessions): readonly Operation[] {
  return [
    operation('TerminateSession', input, ({ SessionId }) => {
      sessions.terminate(SessionId);
      return { SessionId };
    }),
    // Sessions end with their connection: there is no token for another, by which the plugin knows that it is over.
    operation('ResumeSession', input, ({ SessionId }) => ({ SessionId })),
  ];
}
