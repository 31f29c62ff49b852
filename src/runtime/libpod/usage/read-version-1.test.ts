import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readVersion1 } from './read-version-1.ts';

const files: Readonly<Record<string, string>> = {
  'cpuacct/cpuacct.usage': '7000\n',
  'memory/memory.usage_in_bytes': '5000\n',
  'memory/memory.stat':
    'cache 1\nhierarchical_memory_limit 10000\ntotal_cache 1800\ntotal_rss 3000\ntotal_swap 64\ntotal_pgfault 7\ntotal_pgmajfault 2\ntotal_inactive_file 1500\n',
  'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'cpu/cpu.shares': '204\n',
  'cpu/cpu.cfs_period_us': '100000\n',
  'cpu/cpu.cfs_quota_us': '20000\n',
  'cpu/cpu.stat': 'nr_periods 9\nnr_throttled 4\nthrottled_time 30000\n',
  'pids/pids.current': '5\n',
  'pids/cgroup.procs': '77\n78\n',
  'blkio/blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 512\n8:0 Sync 4608\nTotal 4608\n',
  'blkio/blkio.throttle.io_serviced_recursive': '8:0 Read 2\n8:0 Write 1\nTotal 3\n',
};

const memoryAndTime = {
  cpuTotalNs: 7000,
  usageBytes: 5000,
  workingSetBytes: 3500,
  rssBytes: 3000,
  cacheBytes: 1800,
  swapBytes: 64,
  memoryLimitBytes: 10_000,
  pageFaults: 7,
  majorPageFaults: 2,
  oomKills: 2,
};

describe('version 1 of cgroups', () => {
  const root = mkdtempSync(join(tmpdir(), 'vk-cgroup1-'));
  const of = (name: string): string => join(root, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  after(() => rmSync(root, { recursive: true }));
  const needed = { version: 1, cpuacct: of('cpuacct'), memory: of('memory') } as const;
  const all = { ...needed, cpu: of('cpu'), pids: of('pids'), blkio: of('blkio') };
  const named = (numbers: string): string => `named ${numbers}`;

  it('says what the kernel says', () => {
    assert.deepEqual(readVersion1(all, named), {
      ...memoryAndTime,
      cpuShare: { shares: 204, periodUs: 100_000, quotaUs: 20_000 },
      throttling: { periods: 9, throttledPeriods: 4, throttledNs: 30_000 },
      processes: 2,
      threads: 5,
      disks: [{ device: 'named 8:0', readBytes: 4096, writtenBytes: 512, reads: 2, writes: 1 }],
    });
  });

  it('leaves out what controllers that are not mounted would say', () => {
    assert.deepEqual(readVersion1(needed, named), memoryAndTime);
  });

  it('has no throttling without a quota', () => {
    writeFileSync(join(root, 'cpu/cpu.cfs_quota_us'), '-1\n');
    const counters = readVersion1(all, named);
    assert.deepEqual([counters?.cpuShare, counters?.throttling], [{ shares: 204, periodUs: 100_000 }, undefined]);
  });

  it('is unknown of a cgroup that is gone', () => {
    assert.equal(readVersion1({ ...all, memory: of('none') }, named), undefined);
  });
});
