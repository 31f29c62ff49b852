import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, type Output, operation } from '../protocol/operation.ts';
import { type Position, queryEvents, type StoredEvent } from './event-query.ts';
import { compilePattern } from './filter-pattern.ts';
import { groupName, nameOfGroup, streamName } from './group-operations.ts';
import type { LogStore } from './log-store.ts';

/** Of one answer. */
const maxEvents = 10_000;
/** Events may be so old, and so far in the future. */
const oldestMs = 14 * 86_400_000;
const newestMs = 2 * 3_600_000;

interface Deps {
  readonly store: LogStore;
  readonly database: DatabaseSync;
  readonly clock: Clock;
}

const time = z.number().int().min(0).optional();

export function eventOperations(deps: Deps): readonly Operation[] {
  return [
    operation('PutLogEvents', putInput, (input) => putEvents(input, deps)),
    operation('GetLogEvents', getInput, (input) => getEvents(input, deps)),
    operation('FilterLogEvents', filterInput, (input) => filterEvents(input, deps)),
  ];
}

const putInput = z.object({
  logGroupName: groupName,
  logStreamName: streamName,
  logEvents: z
    .array(z.object({ timestamp: z.number().int().min(0), message: z.string().min(1) }))
    .min(1)
    .max(10_000),
});

function putEvents(input: z.output<typeof putInput>, { store, clock }: Deps): Output {
  store.stream(input.logGroupName, input.logStreamName);
  const times = input.logEvents.map(({ timestamp }) => timestamp);
  if (times.some((timestamp, index) => timestamp < (times[index - 1] ?? 0))) {
    throw new AwsError(
      'InvalidParameterException',
      'Log events in a single PutLogEvents request must be in chronological order.',
    );
  }
  const nowMs = clock.now();
  const tooOldEnd = times.findLastIndex((timestamp) => timestamp < nowMs - oldestMs) + 1;
  const tooNewStart = times.findIndex((timestamp) => timestamp > nowMs + newestMs);
  const accepted = input.logEvents.slice(tooOldEnd, tooNewStart < 0 ? undefined : tooNewStart);
  store.append(
    input.logGroupName,
    input.logStreamName,
    accepted.map(({ timestamp, message }) => ({ timestampMs: timestamp, message })),
  );
  return {
    nextSequenceToken: '1',
    ...(accepted.length === times.length
      ? {}
      : {
          rejectedLogEventsInfo: {
            ...(tooOldEnd > 0 ? { tooOldLogEventEndIndex: tooOldEnd } : {}),
            ...(tooNewStart >= 0 ? { tooNewLogEventStartIndex: tooNewStart } : {}),
          },
        }),
  };
}

const getInput = z.object({
  logGroupName: groupName.optional(),
  logGroupIdentifier: z.string().optional(),
  logStreamName: streamName,
  startTime: time,
  endTime: time,
  nextToken: z.string().optional(),
  limit: z.number().int().min(1).max(maxEvents).default(maxEvents),
  startFromHead: z.boolean().default(false),
});

/** Tokens lead from one answer to the next, forward and backward; at an end the token comes back as it was. */
function getEvents(input: z.output<typeof getInput>, { store, database }: Deps): Output {
  const group = nameOfGroup(input);
  store.stream(group, input.logStreamName);
  const token = input.nextToken === undefined ? undefined : readToken(input.nextToken);
  const forward = token ? token.direction === 'f' : input.startFromHead;
  const found = [
    ...queryEvents(database, {
      group,
      streams: [input.logStreamName],
      startMs: input.startTime,
      endMs: input.endTime,
      after: forward ? token?.position : undefined,
      before: forward ? undefined : token?.position,
      direction: forward ? 'ascending' : 'descending',
    }).take(input.limit),
  ];
  const events = forward ? found : found.reverse();
  const here = token?.position ?? { timestampMs: input.startTime ?? 0, id: 0 };
  return {
    events: events.map(({ timestampMs, message, ingestionMs }) => ({
      timestamp: timestampMs,
      message,
      ingestionTime: ingestionMs,
    })),
    nextForwardToken: writeToken('f', events.at(-1) ?? here),
    nextBackwardToken: writeToken('b', events[0] ?? here),
  };
}

function writeToken(direction: 'f' | 'b', { timestampMs, id }: Position): string {
  return `${direction}/${timestampMs}-${id}/s`;
}

function readToken(text: string): { readonly direction: string; readonly position: Position } {
  const [, direction, timestampMs, id] = /^([fb])\/(\d+)-(\d+)\/s$/.exec(text) ?? [];
  if (direction === undefined) {
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  }
  return { direction, position: { timestampMs: Number(timestampMs), id: Number(id) } };
}

const filterInput = z.object({
  logGroupName: groupName.optional(),
  logGroupIdentifier: z.string().optional(),
  logStreamNames: z.array(streamName).min(1).max(100).optional(),
  logStreamNamePrefix: z.string().optional(),
  startTime: time,
  endTime: time,
  filterPattern: z.string().max(1024).default(''),
  nextToken: z.string().optional(),
  limit: z.number().int().min(1).max(maxEvents).default(maxEvents),
});

function filterEvents(input: z.output<typeof filterInput>, { store, database }: Deps): Output {
  const group = nameOfGroup(input);
  store.group(group);
  if (input.logStreamNames && input.logStreamNamePrefix !== undefined) {
    throw new AwsError('InvalidParameterException', 'logStreamNames and logStreamNamePrefix cannot both be specified.');
  }
  for (const name of input.logStreamNames ?? []) store.stream(group, name);
  const matches = compilePattern(input.filterPattern);
  const prefix = input.logStreamNamePrefix;
  const after = input.nextToken === undefined ? undefined : readToken(input.nextToken).position;
  const found = queryEvents(database, {
    group,
    streams: input.logStreamNames,
    startMs: input.startTime,
    // FilterLogEvents includes its end, unlike GetLogEvents.
    endMs: input.endTime === undefined ? undefined : input.endTime + 1,
    after,
    direction: 'ascending',
  })
    .filter(({ stream, message }) => (prefix === undefined || stream.startsWith(prefix)) && matches(message))
    // One more than asked for tells whether there is another page.
    .take(input.limit + 1)
    .toArray();
  const events = found.slice(0, input.limit);
  const last = events.at(-1);
  return {
    events: events.map(filteredView),
    searchedLogStreams: [],
    ...(found.length > events.length && last ? { nextToken: writeToken('f', last) } : {}),
  };
}

function filteredView({ id, stream, timestampMs, ingestionMs, message }: StoredEvent): Record<string, unknown> {
  return {
    logStreamName: stream,
    timestamp: timestampMs,
    message,
    ingestionTime: ingestionMs,
    eventId: String(id).padStart(56, '0'),
  };
}
