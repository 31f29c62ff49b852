import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSample, UsageSource } from '../../runtime/usage.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { ContainerStats } from './container-stats.ts';
import { statsView } from './stats-view.ts';

const options = { signal: new AbortController().signal };

/** A container that uses half a CPU and receives 100 bytes a second, until it ends. */
function usageOf(clock: FakeClock): UsageSource & { ended: boolean } {
  const beganMs = clock.now();
  return {
    ended: false,
    container(): ContainerSample | undefined {
      if (this.ended) return undefined;
      const timeMs = clock.now();
      return {
        timeMs,
        cpuTotalNs: (timeMs - beganMs) * 500_000,
        usageBytes: 5000,
        workingSetBytes: 3000,
        rssBytes: 2500,
        pageFaults: 7,
        majorPageFaults: 1,
      };
    },
    network: () => [
      {
        name: 'eth0',
        rxBytes: (clock.now() - beganMs) / 10,
        rxErrors: 0,
        txBytes: 0,
        txErrors: 0,
        packets: { rx: 3, rxDropped: 0, tx: 2, txDropped: 1 },
      },
    ],
    forgetOthers: () => {},
  };
}

test('the first look takes a second, later ones none, and looks in one second are the same', async () => {
  const clock = new FakeClock();
  const stats = new ContainerStats({ usage: usageOf(clock), clock });
  const first = stats.read('a', 1, options);
  await clock.advance(1000);
  const pair = await first;
  assert.equal((pair?.now.sample.timeMs ?? 0) - (pair?.before.sample.timeMs ?? 0), 1000);
  await clock.advance(500);
  assert.equal(await stats.read('a', 1, options), pair);
  await clock.advance(4500);
  const later = await stats.read('a', 1, options);
  assert.equal(later?.before, pair?.now);
  assert.equal((later?.now.sample.timeMs ?? 0) - (later?.before.sample.timeMs ?? 0), 5000);
});

test('a container that ends meanwhile has no stats', async () => {
  const clock = new FakeClock();
  const usage = usageOf(clock);
  const stats = new ContainerStats({ usage, clock });
  const read = stats.read('a', 1, options);
  usage.ended = true;
  await clock.advance(1000);
  assert.equal(await read, undefined);
  assert.equal(await stats.read('a', 1, options), undefined);
});

test('stats have the form of Docker’s, and rates of the network', async () => {
  const clock = new FakeClock();
  const stats = new ContainerStats({ usage: usageOf(clock), clock });
  const read = stats.read('a', 1, options);
  await clock.advance(1000);
  const pair = await read;
  assert.ok(pair);
  const view = statsView(pair.before, pair.now, { id: 'a', name: 'app', memoryLimitBytes: 9000 });
  assert.deepEqual(view['memory_stats'], {
    usage: 5000,
    stats: {
      ...{ rss: 2500, inactive_file: 2000, pgfault: 7, pgmajfault: 1 },
      ...{ total_rss: 2500, total_inactive_file: 2000, total_pgfault: 7, total_pgmajfault: 1 },
    },
    limit: 9000,
  });
  assert.deepEqual(view['networks'], {
    eth0: {
      ...{ rx_bytes: 100, rx_packets: 3, rx_errors: 0, rx_dropped: 0 },
      ...{ tx_bytes: 0, tx_packets: 2, tx_errors: 0, tx_dropped: 1 },
    },
  });
  assert.deepEqual(view['network_rate_stats'], { rx_bytes_per_sec: 100, tx_bytes_per_sec: 0 });
  const { cpu_stats: cpu, precpu_stats: before } = view as Record<string, { cpu_usage: { total_usage: number } }>;
  assert.equal((cpu?.cpu_usage.total_usage ?? 0) - (before?.cpu_usage.total_usage ?? 0), 500_000_000);
});
