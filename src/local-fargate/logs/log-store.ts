import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Collection } from '../store/collection.ts';
import { transaction } from '../store/database.ts';

export interface LogGroup {
  readonly name: string;
  readonly createdAtMs: number;
  readonly retentionInDays?: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface LogStream {
  readonly group: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly firstEventMs?: number;
  readonly lastEventMs?: number;
  readonly lastIngestionMs?: number;
  readonly storedBytes: number;
}

export interface NewEvent {
  readonly timestampMs: number;
  readonly message: string;
}

/** Groups, streams and events of CloudWatch Logs. */
export class LogStore {
  readonly #database: DatabaseSync;
  readonly #groups: Collection<LogGroup>;
  readonly #streams: Collection<LogStream>;
  readonly #clock: Clock;

  constructor(
    database: DatabaseSync,
    collections: { readonly groups: Collection<LogGroup>; readonly streams: Collection<LogStream> },
    clock: Clock,
  ) {
    this.#database = database;
    this.#groups = collections.groups;
    this.#streams = collections.streams;
    this.#clock = clock;
  }

  createGroup(name: string, tags: Readonly<Record<string, string>> = {}): void {
    if (this.#groups.get(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    this.#groups.set(name, { name, createdAtMs: this.#clock.now(), tags });
  }

  hasGroup(name: string): boolean {
    return this.#groups.get(name) !== undefined;
  }

  /** Throws `ResourceNotFoundException` where there is none. */
  group(name: string): LogGroup {
    const group = this.#groups.get(name);
    if (!group) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  putGroup(group: LogGroup): void {
    this.#groups.set(group.name, group);
  }

  deleteGroup(name: string): void {
    this.group(name);
    transaction(this.#database, () => {
      for (const stream of this.streamsOf(name)) this.#streams.delete(keyOf(stream.group, stream.name));
      this.#database.prepare('DELETE FROM log_event WHERE log_group = ?').run(name);
      this.#groups.delete(name);
    });
  }

  groups(): readonly LogGroup[] {
    return [...this.#groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  createStream(group: string, name: string): void {
    this.group(group);
    if (this.#streams.get(keyOf(group, name))) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    this.#streams.set(keyOf(group, name), { group, name, createdAtMs: this.#clock.now(), storedBytes: 0 });
  }

  hasStream(group: string, name: string): boolean {
    return this.#streams.get(keyOf(group, name)) !== undefined;
  }

  stream(group: string, name: string): LogStream {
    this.group(group);
    const stream = this.#streams.get(keyOf(group, name));
    if (!stream) throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    return stream;
  }

  deleteStream(group: string, name: string): void {
    this.stream(group, name);
    transaction(this.#database, () => {
      this.#database.prepare('DELETE FROM log_event WHERE log_group = ? AND log_stream = ?').run(group, name);
      this.#streams.delete(keyOf(group, name));
    });
  }

  /** By name. */
  streamsOf(group: string): readonly LogStream[] {
    return [...this.#streams.values().filter((stream) => stream.group === group)].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  }

  /** Adds events, and does `along` in the same write. A stream that is gone by now takes nothing. */
  append(group: string, name: string, events: readonly NewEvent[], along: () => void = () => {}): void {
    transaction(this.#database, () => {
      const stream = this.#streams.get(keyOf(group, name));
      if (stream && events.length > 0) this.#insert(stream, events);
      along();
    });
  }

  /** Drops events that are older than their group keeps them. */
  sweep(): void {
    for (const { name, retentionInDays } of this.#groups.values()) {
      if (retentionInDays === undefined) continue;
      const beforeMs = this.#clock.now() - retentionInDays * 86_400_000;
      this.#database.prepare('DELETE FROM log_event WHERE log_group = ? AND timestamp_ms < ?').run(name, beforeMs);
    }
  }

  #insert(stream: LogStream, events: readonly NewEvent[]): void {
    const nowMs = this.#clock.now();
    const insert = this.#database.prepare(
      'INSERT INTO log_event (log_group, log_stream, timestamp_ms, ingestion_ms, message) VALUES (?, ?, ?, ?, ?)',
    );
    let { firstEventMs = Number.POSITIVE_INFINITY, lastEventMs = 0, storedBytes } = stream;
    for (const { timestampMs, message } of events) {
      insert.run(stream.group, stream.name, timestampMs, nowMs, message);
      firstEventMs = Math.min(firstEventMs, timestampMs);
      lastEventMs = Math.max(lastEventMs, timestampMs);
      storedBytes += Buffer.byteLength(message) + bytesBesideMessage;
    }
    const changed = { ...stream, firstEventMs, lastEventMs, storedBytes, lastIngestionMs: nowMs };
    this.#streams.set(keyOf(stream.group, stream.name), changed);
  }
}

/** What CloudWatch Logs counts for an event beside its message. */
const bytesBesideMessage = 26;

/** No name of a group has a colon. */
function keyOf(group: string, stream: string): string {
  return `${group}:${stream}`;
}
