import { z } from 'zod';
import type { Account } from '../account.ts';
import { operation } from '../protocol/operation.ts';
import type { QueryService } from '../protocol/query-protocol.ts';

/** AWS STS, as far as to say who one is: everybody is the account's root. */
export function stsService({ accountId }: Account): QueryService {
  return {
    name: 'sts',
    version: '2011-06-15',
    dialect: 'query',
    invalidInputCode: 'ValidationError',
    operations: [
      operation('GetCallerIdentity', z.object({}), () => ({
        Arn: `arn:aws:iam::${accountId}:root`,
        UserId: accountId,
        Account: accountId,
      })),
    ],
  };
}
