import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import { CgroupUsage } from './cgroup-usage.ts';

const id = 'b'.repeat(64);
const pid = 77;

describe('usage from the files of a cgroup', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vk-cgroup-'));
  const own = join(folder, 'cgroup', `libpod-${id}`);
  const clock = new FakeClock();
  const usage = new CgroupUsage({ clock, procPath: folder, sysPath: folder });
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  const useCpu = (usec: number): void =>
    writeFileSync(
      join(own, 'cpu.stat'),
      `usage_usec ${usec}\nuser_usec 1\nnr_periods 9\nnr_throttled 4\nthrottled_usec 30\n`,
    );

  before(() => {
    mkdirSync(own, { recursive: true });
    for (const name of ['self', `${pid}/net`, 'dev/block/8:0']) mkdirSync(join(folder, name), { recursive: true });
    write('self/mountinfo', `30 23 0:26 / ${join(folder, 'cgroup')} rw - cgroup2 cgroup2 rw\n`);
    write(`${pid}/cgroup`, `0::/libpod-${id}\n`);
    writeFileSync(join(own, 'memory.current'), '5000\n');
    writeFileSync(join(own, 'memory.max'), '10000\n');
    writeFileSync(join(own, 'memory.stat'), 'anon 3000\nfile 1800\ninactive_file 1500\npgfault 7\npgmajfault 2\n');
    const more = {
      'memory.swap.current': '64\n',
      'memory.events': 'oom 3\noom_kill 2\n',
      'cpu.max': '20000 100000\n',
      'cpu.weight': '39\n',
      'pids.current': '5\n',
      'cgroup.procs': '',
      'container/cgroup.procs': '77\n78\n',
      'io.stat':
        '8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n7:1 \n253:9 rbytes=1 wbytes=0 rios=1 wios=0\n',
    };
    mkdirSync(join(own, 'container'));
    for (const [name, text] of Object.entries(more)) writeFileSync(join(own, name), text);
    write('dev/block/8:0/uevent', 'MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n');
    useCpu(1000);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is what the kernel says', () => {
    assert.deepEqual(usage.container(id, pid), {
      timeMs: clock.now(),
      cpuTotalNs: 1_000_000,
      usageBytes: 5000,
      workingSetBytes: 3500,
      rssBytes: 3000,
      memoryLimitBytes: 10_000,
      pageFaults: 7,
      majorPageFaults: 2,
      cacheBytes: 1800,
      swapBytes: 64,
      oomKills: 2,
      cpuShare: { shares: 998, periodUs: 100_000, quotaUs: 20_000 },
      throttling: { periods: 9, throttledPeriods: 4, throttledNs: 30_000 },
      processes: 2,
      threads: 5,
      disks: [
        { device: '/dev/sda', readBytes: 4096, writtenBytes: 512, reads: 2, writes: 1 },
        { device: '253:9', readBytes: 1, writtenBytes: 0, reads: 1, writes: 0 },
      ],
    });
  });

  it('has a rate from the second sample on, over a second at least', async () => {
    useCpu(501_000);
    await clock.advance(400);
    assert.equal(usage.container(id, pid)?.cpuRateNs, undefined);
    await clock.advance(1600);
    assert.equal(usage.container(id, pid)?.cpuRateNs, 250_000_000);
  });

  it('is unknown of a container that is gone', () => {
    assert.equal(usage.container('c'.repeat(64), pid), undefined);
    assert.equal(usage.container('d'.repeat(64), 78), undefined);
  });

  it('begins anew for a container that was not asked about meanwhile', () => {
    usage.forgetOthers();
    usage.forgetOthers();
    assert.equal(usage.container(id, pid)?.cpuRateNs, undefined);
  });
});
