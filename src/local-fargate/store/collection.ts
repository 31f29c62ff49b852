import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Records of one kind by key: read from memory, written through to the database before `set` returns. */
export class Collection<T> {
  readonly #name: string;
  readonly #records = new Map<string, T>();
  readonly #write: StatementSync;
  readonly #erase: StatementSync;

  constructor(database: DatabaseSync, name: string) {
    this.#name = name;
    this.#write = database.prepare('INSERT OR REPLACE INTO record (collection, key, value) VALUES (?, ?, ?)');
    this.#erase = database.prepare('DELETE FROM record WHERE collection = ? AND key = ?');
    const rows = database.prepare('SELECT key, value FROM record WHERE collection = ?').all(name);
    for (const row of rows) this.#records.set(String(row['key']), JSON.parse(String(row['value'])) as T);
  }

  get(key: string): T | undefined {
    return this.#records.get(key);
  }

  set(key: string, record: T): void {
    this.#write.run(this.#name, key, JSON.stringify(record));
    this.#records.set(key, record);
  }

  delete(key: string): void {
    this.#erase.run(this.#name, key);
    this.#records.delete(key);
  }

  values(): IteratorObject<T, undefined> {
    return this.#records.values();
  }

  get size(): number {
    return this.#records.size;
  }
}
