import type { LogRequest } from '../provider/provider.ts';
import { CodedError } from '../support/errors.ts';
import { HttpError } from './errors.ts';

/** The query of a log request, checked. */
export type LogOptions = Omit<LogRequest, 'pod' | 'container'>;

const streams: Readonly<Record<string, LogRequest['stream']>> = { Stdout: 'stdout', Stderr: 'stderr', All: undefined };

/**
 * Reads v1 PodLogOptions from a query as kubelet does: the same values are taken, and the same texts and statuses
 * refuse the others (400 for what cannot be read, 422 for what makes no sense). `tail` is the old name of `tailLines`.
 */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const tail = query.get('tail');
  const tailLines = tail ? (tail === 'all' ? undefined : integer(tail)) : optionalInteger(query, 'tailLines');
  const limitBytes = optionalInteger(query, 'limitBytes');
  const sinceSeconds = optionalInteger(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceTimeMs = sinceTime === null ? undefined : timeMs(sinceTime);
  const stream = query.get('stream') ?? 'All';
  const nonsense =
    (tailLines !== undefined && tailLines < 0) ||
    (limitBytes !== undefined && limitBytes < 1) ||
    (sinceSeconds !== undefined && (sinceSeconds < 1 || sinceTime !== null)) ||
    !Object.hasOwn(streams, stream) ||
    (stream !== 'All' && tailLines !== undefined);
  if (nonsense) throw new HttpError(422, '{"message": "Invalid request."}');
  const sinceMs = sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1000;
  return {
    previous: flag(query, 'previous'),
    follow: flag(query, 'follow'),
    timestamps: flag(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(streams[stream] === undefined ? {} : { stream: streams[stream] }),
  };
}

/** Only absence, `0` and `false` are false; an empty value is true. */
function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

function optionalInteger(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  return value === null ? undefined : integer(value);
}

const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

function integer(text: string): number {
  if (!/^[+-]?\d{1,40}$/.test(text)) throw unreadable();
  const value = BigInt(text.replace('+', ''));
  if (value < int64.least || value > int64.most) throw unreadable();
  return Number(value);
}

/** Milliseconds of an RFC 3339 time, with its fraction; undefined for the zero time, which is written as nothing. */
function timeMs(text: string): number | undefined {
  if (text === '' || text === 'null') return undefined;
  const match = /^(\d{4}-\d{2}-(\d{2})T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const [, local, day, fraction, zone] = match ?? [];
  const ms = Date.parse(`${local}${zone}`);
  // A 30th of February would become a day of March.
  const dayIsReal = Number(day) === new Date(Date.parse(`${local}Z`)).getUTCDate();
  if (Number.isNaN(ms) || !dayIsReal) throw unreadable();
  return ms + (fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000);
}

function unreadable(): CodedError {
  return new CodedError('InvalidInput', '{"message": "Unable to decode query."}');
}
