import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../../support/errors.ts';

/** Raised when what is stored changes its shape: an older state folder is then refused rather than misread. */
const stateVersion = 1;

/**
 * Opens the state in `folder`, which is made where it is missing (mode 0700: secret values are in it). Every write is
 * whole or not there, also after a kill. Throws `InvalidInput` where another version of ours wrote it.
 */
export function openDatabase(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'state.db');
  const database = new DatabaseSync(file);
  const found = lock(database, file);
  if (found !== 0 && found !== stateVersion) {
    database.close();
    throw new CodedError(
      'InvalidInput',
      `${file} was written by another version (${found}, not ${stateVersion}); choose another --state-dir or remove it`,
    );
  }
  database.exec(`
    PRAGMA user_version = ${stateVersion};
    CREATE TABLE IF NOT EXISTS record (
      collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (collection, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_event (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      log_group TEXT NOT NULL, log_stream TEXT NOT NULL,
      timestamp_ms INTEGER NOT NULL, ingestion_ms INTEGER NOT NULL, message TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS log_event_by_stream ON log_event (log_group, log_stream, timestamp_ms, id);
    CREATE INDEX IF NOT EXISTS log_event_by_time ON log_event (log_group, timestamp_ms, id);
  `);
  return database;
}

/** Takes the file for this process alone (two would run every task twice) and reads its version. */
function lock(database: DatabaseSync, file: string): number {
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    const row = database.prepare('PRAGMA user_version').get();
    return Number(row?.['user_version']);
  } catch (cause) {
    database.close();
    throw new CodedError('InvalidInput', `${file} cannot be used; does another local Fargate run on it?`, { cause });
  }
}

/** Runs `work` as one write: all of it or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
