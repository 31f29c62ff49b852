import type { Event } from '../kubernetes/objects.ts';
import { type Clock, toRfc3339 } from '../support/clock.ts';
import { LruMap } from './lru-map.ts';

/** What happened, to which object. */
export interface EventInput {
  readonly object: InvolvedObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The object as an event names it. */
export interface InvolvedObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Left out for cluster-scoped kinds, whose events stand in `default`. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  /** `spec.containers{nginx}`. */
  readonly fieldPath?: string;
}

/** One event object of the API: created once, counted up after. */
export interface EventSeries {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly input: EventInput;
  readonly firstTimestamp: string;
  lastTimestamp: string;
  message: string;
  count: number;
  /** Whether the API server has it. */
  isCreated: boolean;
}

/** client-go's defaults (tools/record/events_cache.go), which kubelet uses. */
const cacheSize = 4096;
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillMs = 300_000;
const maxMessageLength = 1024;

interface Similar {
  readonly messages: Set<string>;
  lastAtMs: number;
}

interface Bucket {
  tokens: number;
  lastAtMs: number;
}

/**
 * Decides what becomes of an event, as client-go's EventCorrelator does: the same event again counts up; from the
 * tenth of a kind that differ by their message only (within ten minutes of each other) they become one "combined from
 * similar events"; an object that causes more than 25 events, and after that more than one in five minutes, is not
 * listened to. Memory is bounded: what was not seen for longest is forgotten and starts anew.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #series = new LruMap<string, EventSeries>(cacheSize);
  readonly #similar = new LruMap<string, Similar>(cacheSize);
  readonly #buckets = new LruMap<string, Bucket>(cacheSize);
  #lastNameNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The series that the event belongs to, counted up; undefined where the object is not listened to. */
  correlate(input: EventInput): EventSeries | undefined {
    const nowMs = this.#clock.now();
    const kind = [objectKey(input.object), input.object.fieldPath ?? '', input.type, input.reason].join('\n');
    const text = input.message.slice(0, maxMessageLength);
    const isCombined = this.#isOneOfMany(kind, text, nowMs);
    const message = isCombined ? `(combined from similar events): ${text}` : text;
    const series = this.#count(isCombined ? kind : `${kind}\n${text}`, { ...input, message }, nowMs);
    return this.#takeToken(objectKey(input.object), nowMs) ? series : undefined;
  }

  #isOneOfMany(kind: string, message: string, nowMs: number): boolean {
    const known = this.#similar.get(kind);
    const similar =
      known !== undefined && nowMs - known.lastAtMs <= similarWindowMs
        ? known
        : { messages: new Set<string>(), lastAtMs: nowMs };
    similar.lastAtMs = nowMs;
    similar.messages.add(message);
    this.#similar.set(kind, similar);
    if (similar.messages.size < similarLimit) return false;
    const [oldest = ''] = similar.messages;
    similar.messages.delete(oldest);
    return true;
  }

  #count(key: string, input: EventInput, nowMs: number): EventSeries {
    const known = this.#series.get(key);
    if (known !== undefined) {
      known.count += 1;
      known.lastTimestamp = toRfc3339(nowMs);
      known.message = input.message;
      return known;
    }
    const series: EventSeries = {
      key,
      namespace: input.object.namespace ?? 'default',
      name: `${input.object.name}.${this.#uniqueSuffix(nowMs)}`,
      input,
      firstTimestamp: toRfc3339(nowMs),
      lastTimestamp: toRfc3339(nowMs),
      message: input.message,
      count: 1,
      isCreated: false,
    };
    this.#series.set(key, series);
    return series;
  }

  /** Hexadecimal nanoseconds, as client-go names events; never twice the same. */
  #uniqueSuffix(nowMs: number): string {
    this.#lastNameNumber = Math.max(this.#lastNameNumber + 1, nowMs * 1000);
    return (BigInt(this.#lastNameNumber) * 1000n).toString(16);
  }

  #takeToken(key: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: burst, lastAtMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.lastAtMs) / refillMs);
    bucket.lastAtMs = nowMs;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

function objectKey({ apiVersion, kind, namespace = '', name, uid }: InvolvedObject): string {
  return [apiVersion, kind, namespace, name, uid].join('\n');
}

/** The core/v1 Event of a series, in the shape in which kubelet writes it. */
export function eventOf(series: EventSeries, source: { readonly component: string; readonly host: string }) {
  const { input, namespace, name, firstTimestamp, lastTimestamp, count, message } = series;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name },
    involvedObject: { ...input.object },
    type: input.type,
    reason: input.reason,
    message,
    source: { ...source },
    firstTimestamp,
    lastTimestamp,
    count,
    reportingComponent: source.component,
    reportingInstance: source.host,
  } satisfies Event;
}
