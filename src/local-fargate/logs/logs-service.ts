import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../support/clock.ts';
import type { Account } from '../account.ts';
import type { JsonService } from '../protocol/json-protocol.ts';
import { eventOperations } from './event-operations.ts';
import { groupOperations } from './group-operations.ts';
import type { LogStore } from './log-store.ts';

/** Amazon CloudWatch Logs. */
export function logsService(deps: {
  readonly store: LogStore;
  readonly database: DatabaseSync;
  readonly account: Account;
  readonly clock: Clock;
}): JsonService {
  return {
    name: 'logs',
    targetPrefix: 'Logs_20140328',
    jsonVersion: '1.1',
    invalidInputCode: 'InvalidParameterException',
    operations: [...groupOperations(deps), ...eventOperations(deps)],
  };
}
