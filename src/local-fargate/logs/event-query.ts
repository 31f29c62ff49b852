import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

export interface StoredEvent {
  readonly id: number;
  readonly stream: string;
  readonly timestampMs: number;
  readonly ingestionMs: number;
  readonly message: string;
}

/** A place between events: right after (or before) this one in the order of time and arrival. */
export interface Position {
  readonly timestampMs: number;
  readonly id: number;
}

export interface EventQuery {
  readonly group: string;
  /** Undefined: all of the group. */
  readonly streams?: readonly string[] | undefined;
  /** Inclusive. */
  readonly startMs?: number | undefined;
  /** Exclusive. */
  readonly endMs?: number | undefined;
  readonly after?: Position | undefined;
  readonly before?: Position | undefined;
  readonly direction: 'ascending' | 'descending';
}

/** Events in order, one by one: whoever has enough stops. */
export function* queryEvents(database: DatabaseSync, query: EventQuery): Generator<StoredEvent> {
  const conditions = ['log_group = ?'];
  const values: SQLInputValue[] = [query.group];
  const add = (condition: string, ...more: readonly SQLInputValue[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  if (query.streams) add(`log_stream IN (${query.streams.map(() => '?').join(', ')})`, ...query.streams);
  if (query.startMs !== undefined) add('timestamp_ms >= ?', query.startMs);
  if (query.endMs !== undefined) add('timestamp_ms < ?', query.endMs);
  if (query.after) add('(timestamp_ms, id) > (?, ?)', query.after.timestampMs, query.after.id);
  if (query.before) add('(timestamp_ms, id) < (?, ?)', query.before.timestampMs, query.before.id);
  const order = query.direction === 'ascending' ? 'ASC' : 'DESC';
  const statement = database.prepare(
    `SELECT id, log_stream, timestamp_ms, ingestion_ms, message FROM log_event
     WHERE ${conditions.join(' AND ')} ORDER BY timestamp_ms ${order}, id ${order}`,
  );
  for (const row of statement.iterate(...values)) {
    yield {
      id: Number(row['id']),
      stream: String(row['log_stream']),
      timestampMs: Number(row['timestamp_ms']),
      ingestionMs: Number(row['ingestion_ms']),
      message: String(row['message']),
    };
  }
}
