import type { NewEvent } from './log-store.ts';

/** CloudWatch Logs takes no longer message; what is longer becomes several. */
const maxMessageCharacters = 250_000;

/** Beginnings of lines whose end has not been written yet. */
export interface Unfinished {
  readonly stdout: string;
  readonly stderr: string;
}

export const nothingUnfinished: Unfinished = { stdout: '', stderr: '' };

/** Lines of a container's log, `<RFC3339Nano> <stdout|stderr> <F|P> <text>`, as events. Whatever is no such line is left out. */
export function readCriLines(
  lines: readonly string[],
  unfinished: Unfinished,
): { readonly events: readonly NewEvent[]; readonly unfinished: Unfinished } {
  const pending = { ...unfinished };
  const events: NewEvent[] = [];
  for (const line of lines) {
    const match = /^(\S+) (stdout|stderr) ([FP]) ?(.*)$/s.exec(line);
    if (!match) continue;
    const [, time = '', stream, flag, text = ''] = match;
    const name = stream === 'stderr' ? 'stderr' : 'stdout';
    const message = pending[name] + text;
    if (flag === 'P' && message.length < maxMessageCharacters) {
      pending[name] = message;
      continue;
    }
    pending[name] = '';
    // CloudWatch Logs refuses empty messages; a driver sends a blank line as a blank.
    events.push({ timestampMs: Date.parse(time), message: message === '' ? ' ' : message });
  }
  return { events, unfinished: pending };
}
