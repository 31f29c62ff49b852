import { cpus } from 'node:os';
import type { UsageSource } from '../../runtime/usage.ts';
import type { Clock } from '../../support/clock.ts';
import type { Look } from './stats-view.ts';

/** Two looks are so far apart at least: rates over less say little. */
const leastApartMs = 1000;
/** Looks at a container that nobody asks about any more are forgotten after so long. */
const rememberedMs = 600_000;

export interface LookPair {
  readonly before: Look;
  readonly now: Look;
}

/** What containers use now and used a while ago. Only those that somebody asks about are looked at. */
export class ContainerStats {
  readonly #usage: UsageSource;
  readonly #clock: Clock;
  readonly #last = new Map<string, LookPair>();

  constructor(options: { readonly usage: UsageSource; readonly clock: Clock }) {
    this.#usage = options.usage;
    this.#clock = options.clock;
  }

  /**
   * Of a running container, a second old at most; the first time of all takes a second. Undefined where it has ended, or
   * ended meanwhile.
   */
  async read(id: string, pid: number, options: { readonly signal: AbortSignal }): Promise<LookPair | undefined> {
    const last = this.#last.get(id);
    if (last && this.#clock.now() - last.now.sample.timeMs < leastApartMs) return last;
    const before = last?.now ?? this.#look(id, pid);
    if (before && !last) await this.#clock.sleep(leastApartMs, options);
    const now = this.#look(id, pid);
    if (!before || !now) {
      this.#last.delete(id);
      return undefined;
    }
    const pair = { before, now };
    this.#last.set(id, pair);
    return pair;
  }

  sweep(): void {
    this.#usage.forgetOthers();
    const nowMs = this.#clock.now();
    for (const [id, { now }] of this.#last) if (nowMs - now.sample.timeMs > rememberedMs) this.#last.delete(id);
  }

  #look(id: string, pid: number): Look | undefined {
    const sample = this.#usage.container(id, pid);
    return sample && { sample, interfaces: this.#usage.network(pid) ?? [], machine: readMachine() };
  }
}

/** All CPUs' time, idle or not, as Docker reckons a container's share of it. */
function readMachine(): Look['machine'] {
  const all = cpus();
  const totalMs = all.reduce((sum, { times }) => sum + Object.values(times).reduce((ms, time) => ms + time, 0), 0);
  return { cpuTotalNs: totalMs * 1e6, cpus: all.length };
}
