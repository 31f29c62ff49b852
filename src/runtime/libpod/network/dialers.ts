import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../../support/clock.ts';
import type { CallOptions } from '../../runtime.ts';
import { NamespaceDialer } from './namespace-dialer.ts';

/** Some 40 MiB are not worth keeping for long; browsers ask again within seconds. */
const idleMs = 30_000;

interface Entry {
  readonly dialer: NamespaceDialer;
  timer: Timer | undefined;
  dialling: number;
}

/** One dialer for each network that somebody connects into, kept for a while after the last connection was made. */
export class Dialers {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `findNamespace` gives the path of the namespace; asked only where no dialer is in there. */
  async connect(
    key: string,
    port: number,
    { signal, findNamespace }: CallOptions & { readonly findNamespace: () => Promise<string> },
  ): Promise<Socket> {
    const entry = this.#running(key) ?? this.#start(key, await findNamespace());
    entry.timer?.cancel();
    entry.dialling++;
    try {
      return await entry.dialer.connect(port, { signal });
    } finally {
      entry.dialling--;
      if (entry.dialling === 0) entry.timer = this.#clock.after(idleMs, () => void this.#end(key, entry));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries].map(([key, entry]) => this.#end(key, entry)));
  }

  #running(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.dialer.isClosed ? undefined : entry;
  }

  /** Another caller may have started one meanwhile. */
  #start(key: string, namespacePath: string): Entry {
    const running = this.#running(key);
    if (running) return running;
    this.#entries.get(key)?.timer?.cancel();
    const entry: Entry = { dialer: new NamespaceDialer(namespacePath), timer: undefined, dialling: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  async #end(key: string, entry: Entry): Promise<void> {
    entry.timer?.cancel();
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    await entry.dialer.close();
  }
}
