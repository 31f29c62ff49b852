import { readFileSync } from 'node:fs';
import type { SystemUsage } from '../../provider/usage.ts';
import type { Clock } from '../../support/clock.ts';

/** What this process uses: a node without pods uses something too, and metrics-server leaves one out that uses nothing. */
export class OwnUsage {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  #before: { readonly timeMs: number; readonly totalNs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.now() - process.uptime() * 1000;
  }

  read(): SystemUsage {
    const timeMs = this.#clock.now();
    const { user, system } = process.cpuUsage();
    const totalNs = (user + system) * 1000;
    const before = this.#before;
    this.#before = { timeMs, totalNs };
    const passedMs = before === undefined ? 0 : timeMs - before.timeMs;
    const rate = before && passedMs > 0 ? { rateNs: ((totalNs - before.totalNs) / passedMs) * 1000 } : {};
    const rssBytes = process.memoryUsage.rss();
    return {
      startedAtMs: this.#startedAtMs,
      cpu: { timeMs, totalNs, ...rate },
      memory: { timeMs, workingSetBytes: rssBytes, usageBytes: rssBytes, rssBytes, swapBytes: swappedBytes() },
    };
  }
}

function swappedBytes(): number {
  const [, kibibytes] = /^VmSwap:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes ?? 0) * 1024;
}
