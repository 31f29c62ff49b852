import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withEveryContainers } from './ulimits.ts';

describe('limits of processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vk-limits-'));
  before(() => {
    mkdirSync(join(folder, '7'));
    const lines = [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max processes             1000                 unlimited            processes ',
      'Max open files            1024                 4096                 files     ',
    ];
    writeFileSync(join(folder, '7/limits'), `${lines.join('\n')}\n`);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('that are not named stay as every container has them', () => {
    const core = { name: 'core', soft: 0, hard: 0 };
    assert.deepEqual(withEveryContainers([core], 7, folder), [
      core,
      { name: 'nofile', soft: 1024, hard: 4096 },
      { name: 'nproc', soft: 1000, hard: -1 },
    ]);
  });

  test('that are named are taken as they are', () => {
    const asked = [
      { name: 'nproc', soft: 1, hard: 2 },
      { name: 'nofile', soft: 3, hard: 4 },
    ];
    assert.deepEqual(withEveryContainers(asked, 8, folder), asked);
  });
});
