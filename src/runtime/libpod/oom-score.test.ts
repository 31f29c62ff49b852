import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lowestOomScoreAdj } from './oom-score.ts';

test('a Podman without CAP_SYS_RESOURCE cannot protect more than itself', () => {
  const proc = mkdtempSync(join(tmpdir(), 'vk-proc-'));
  try {
    const capabilities = { 10: '000001fffeffffff', 11: '000001ffffffffff', 12: '0000000000000000' };
    for (const [pid, mask] of Object.entries(capabilities)) {
      mkdirSync(join(proc, pid));
      writeFileSync(join(proc, pid, 'status'), `Name:\tconmon\nCapEff:\t${mask}\n`);
      writeFileSync(join(proc, pid, 'oom_score_adj'), pid === '12' ? '-500\n' : '0\n');
    }
    const lowest = [10, 11, 12, 13].map((pid) => lowestOomScoreAdj(pid, proc));
    assert.deepEqual(lowest, [0, -1000, -500, -1000]);
  } finally {
    rmSync(proc, { recursive: true });
  }
});
