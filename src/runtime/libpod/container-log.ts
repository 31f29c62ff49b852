import { constants, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '../../support/errors.ts';
import type { InspectedContainer } from './container-info.ts';

/**
 * conmon's own limit of a log's size, which it keeps by throwing away what it has written; this one is never reached. Where
 * none is given, that of containers.conf (`log_size_max`) counts.
 */
export const noLimitBytes = Number.MAX_SAFE_INTEGER;

/** conmon's message to open the log anew; the two numbers mean nothing in it. */
const reopenLogs = '2 0 0\n';

/**
 * Lets the process that watches a container (conmon) go on in a new log file, by a word through its control FIFO. It opens
 * the new one beside the old one and gives it the old one's name.
 */
export async function askToReopenLog({ Id, OCIConfigPath }: InspectedContainer): Promise<void> {
  if (OCIConfigPath === undefined) throw new CodedError('Conflict', `container ${Id} was never started`);
  const path = join(dirname(OCIConfigPath), 'ctl');
  // Without waiting for somebody to read it.
  const control = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new CodedError('Conflict', `nobody watches container ${Id} any more`, { cause });
  });
  try {
    await control.write(reopenLogs);
  } finally {
    await control.close();
  }
}
