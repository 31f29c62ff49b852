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
  const usage = new CgroupUsage({ clock, procPath: folder });
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  const useCpu = (usec: number): void => writeFileSync(join(own, 'cpu.stat'), `usage_usec ${usec}\nuser_usec 1\n`);

  before(() => {
    mkdirSync(own, { recursive: true });
    for (const name of ['self', `${pid}/net`]) mkdirSync(join(folder, name), { recursive: true });
    write('self/mountinfo', `30 23 0:26 / ${join(folder, 'cgroup')} rw - cgroup2 cgroup2 rw\n`);
    write(`${pid}/cgroup`, `0::/libpod-${id}\n`);
    writeFileSync(join(own, 'memory.current'), '5000\n');
    writeFileSync(join(own, 'memory.max'), '10000\n');
    writeFileSync(join(own, 'memory.stat'), 'anon 3000\ninactive_file 1500\npgfault 7\npgmajfault 2\n');
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
