import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InspectedContainer } from './container-info.ts';
import { ContainerProcesses } from './container-processes.ts';

test('a container’s process is gone where its id has no process, or another’s', () => {
  const proc = mkdtempSync(join(tmpdir(), 'vk-proc-'));
  try {
    const cgroups = { 20: '0::/libpod_parent/libpod-aaa\n', 21: '0::/user.slice\n' };
    for (const [pid, cgroup] of Object.entries(cgroups)) {
      mkdirSync(join(proc, pid));
      writeFileSync(join(proc, pid, 'cgroup'), cgroup);
    }
    const processes = new ContainerProcesses(proc);
    // Nothing was seen yet: they may be where we do not look.
    assert.equal(processes.mayRun('bbb', 22), true);
    assert.equal(processes.mayRun('aaa', 20), true);
    assert.equal(processes.mayRun('bbb', 22), false);
    assert.equal(processes.mayRun('bbb', 21), false);

    const container = (Pid: number, ConmonPid: number) =>
      ({ Id: 'bbb', State: { Pid, ConmonPid } }) as InspectedContainer;
    assert.equal(processes.areGone(container(22, 23)), true);
    // Its watcher is about to tell Podman.
    assert.equal(processes.areGone(container(22, 21)), false);
  } finally {
    rmSync(proc, { recursive: true });
  }
});
