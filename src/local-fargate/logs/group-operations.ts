import { z } from 'zod';
import { type Account, arnOf } from '../account.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import { paginate } from '../protocol/paging.ts';
import type { LogGroup, LogStore, LogStream } from './log-store.ts';

export const groupName = z.string().regex(/^[.\-_/#A-Za-z0-9]{1,512}$/, 'is not the name of a log group');
export const streamName = z.string().regex(/^[^:*]{1,512}$/, 'is not the name of a log stream');
const tags = z.record(z.string(), z.string());

/** CloudWatch Logs keeps events for one of these numbers of days. */
const retentions = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

interface Deps {
  readonly store: LogStore;
  readonly account: Account;
}

export function groupOperations({ store, account }: Deps): readonly Operation[] {
  return [
    operation('CreateLogGroup', z.object({ logGroupName: groupName, tags: tags.default({}) }), (input) => {
      store.createGroup(input.logGroupName, input.tags);
      return {};
    }),
    operation('DeleteLogGroup', z.object({ logGroupName: groupName }), (input) => {
      store.deleteGroup(input.logGroupName);
      return {};
    }),
    operation(
      'PutRetentionPolicy',
      z.object({ logGroupName: groupName, retentionInDays: z.literal(retentions) }),
      (input) => {
        store.putGroup({ ...store.group(input.logGroupName), retentionInDays: input.retentionInDays });
        return {};
      },
    ),
    operation('DeleteRetentionPolicy', z.object({ logGroupName: groupName }), (input) => {
      const { retentionInDays: _forgotten, ...group } = store.group(input.logGroupName);
      store.putGroup(group);
      return {};
    }),
    operation('DescribeLogGroups', describeGroupsInput, ({ limit, nextToken, ...filters }) => {
      const matching = store.groups().filter((group) => matchesGroup(group, filters, account));
      const { items, ...rest } = paginate(matching, ({ name }) => name, { nextToken, maxResults: limit });
      return { logGroups: items.map((group) => groupView(group, { store, account })), ...rest };
    }),
    operation('CreateLogStream', z.object({ logGroupName: groupName, logStreamName: streamName }), (input) => {
      store.createStream(input.logGroupName, input.logStreamName);
      return {};
    }),
    operation('DeleteLogStream', z.object({ logGroupName: groupName, logStreamName: streamName }), (input) => {
      store.deleteStream(input.logGroupName, input.logStreamName);
      return {};
    }),
    operation('DescribeLogStreams', describeStreamsInput, (input) => {
      const group = nameOfGroup(input);
      store.group(group);
      const prefix = input.logStreamNamePrefix ?? '';
      const matching = store.streamsOf(group).filter(({ name }) => name.startsWith(prefix));
      const ordered = matching.toSorted((a, b) =>
        input.orderBy === 'LastEventTime' ? (a.lastEventMs ?? 0) - (b.lastEventMs ?? 0) : 0,
      );
      const { items, ...rest } = paginate(input.descending ? ordered.reverse() : ordered, ({ name }) => name, {
        nextToken: input.nextToken,
        maxResults: input.limit,
      });
      return { logStreams: items.map((stream) => streamView(stream, account)), ...rest };
    }),
  ];
}

const describeGroupsInput = z.object({
  logGroupNamePrefix: z.string().optional(),
  logGroupNamePattern: z.string().optional(),
  logGroupIdentifiers: z.array(z.string()).optional(),
  nextToken: z.string().optional(),
  limit: z.number().int().min(1).max(50).default(50),
});

const describeStreamsInput = z.object({
  logGroupName: groupName.optional(),
  logGroupIdentifier: z.string().optional(),
  logStreamNamePrefix: z.string().optional(),
  orderBy: z.enum(['LogStreamName', 'LastEventTime']).default('LogStreamName'),
  descending: z.boolean().default(false),
  nextToken: z.string().optional(),
  limit: z.number().int().min(1).max(50).default(50),
});

/** The group by its name, or by its ARN as an identifier. */
export function nameOfGroup(input: {
  readonly logGroupName?: string | undefined;
  readonly logGroupIdentifier?: string | undefined;
}): string {
  const identifier = input.logGroupName ?? input.logGroupIdentifier ?? '';
  return identifier.startsWith('arn:') ? (identifier.split(':')[6] ?? '') : identifier;
}

function matchesGroup(
  group: LogGroup,
  filters: {
    readonly logGroupNamePrefix?: string | undefined;
    readonly logGroupNamePattern?: string | undefined;
    readonly logGroupIdentifiers?: readonly string[] | undefined;
  },
  account: Account,
): boolean {
  return (
    group.name.startsWith(filters.logGroupNamePrefix ?? '') &&
    group.name.toLowerCase().includes(filters.logGroupNamePattern?.toLowerCase() ?? '') &&
    (filters.logGroupIdentifiers?.some((it) => it === group.name || it === groupArn(group.name, account)) ?? true)
  );
}

function groupArn(name: string, account: Account): string {
  return arnOf(account, 'logs', `log-group:${name}`);
}

function groupView(group: LogGroup, { store, account }: Deps): Record<string, unknown> {
  const arn = groupArn(group.name, account);
  return {
    logGroupName: group.name,
    creationTime: group.createdAtMs,
    ...(group.retentionInDays === undefined ? {} : { retentionInDays: group.retentionInDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    logGroupArn: arn,
    logGroupClass: 'STANDARD',
    storedBytes: store.streamsOf(group.name).reduce((sum, stream) => sum + stream.storedBytes, 0),
  };
}

function streamView(stream: LogStream, account: Account): Record<string, unknown> {
  return {
    logStreamName: stream.name,
    creationTime: stream.createdAtMs,
    ...(stream.firstEventMs === undefined ? {} : { firstEventTimestamp: stream.firstEventMs }),
    ...(stream.lastEventMs === undefined ? {} : { lastEventTimestamp: stream.lastEventMs }),
    ...(stream.lastIngestionMs === undefined ? {} : { lastIngestionTime: stream.lastIngestionMs }),
    uploadSequenceToken: '1',
    arn: `${groupArn(stream.group, account)}:log-stream:${stream.name}`,
    // CloudWatch Logs itself has given 0 here since 2019.
    storedBytes: 0,
  };
}
