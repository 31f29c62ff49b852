import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LogRotation, type LogRotationOptions } from '../../engine/logs/log-rotation.ts';
import { readLog } from '../../engine/logs/read-log.ts';
import type { LibpodRuntime } from '../../runtime/libpod/libpod-runtime.ts';
import { noPodman, PodmanService, waitFor } from '../../runtime/libpod/testing/podman-service.ts';
import { sandboxSpec, TestSandbox } from '../../runtime/libpod/testing/specs.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';

describe('rotation of the logs of a real Podman', { skip: noPodman, timeout: 120_000 }, () => {
  const { signal } = new AbortController();
  let service: PodmanService;
  let runtime: LibpodRuntime;
  let sandbox: TestSandbox;

  before(async () => {
    service = await PodmanService.start();
    runtime = service.runtime();
    const image = await runtime.findImage('busybox', { signal });
    assert.ok(image);
    const { id } = await runtime.runSandbox(sandboxSpec('rotation'), { signal });
    sandbox = new TestSandbox(runtime, { id, imageId: image.id, signal });
  });
  after(() => service?.[Symbol.asyncDispose]());

  test('not a line is lost when we are killed between its steps, and a follower gets each once (seeded)', async () => {
    const random = seededRandom(3);
    const clock = new FakeClock();
    const id = await sandbox.run('i=0; until [ -e /end ]; do i=$((i+1)); echo $i; done; echo end');
    const path = await runtime.logPath(id, { signal });
    const inode = (): number => statSync(path).ino;
    await waitFor('it writes', () => statSync(path).size > 0);
    const ended = new AbortController();
    const follow = {
      clock,
      hasEnded: () => ended.signal.aborted,
      untilChanged: () => new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve())),
    };
    const followed = Array.fromAsync(readLog(path, { timestamps: false, follow, signal }));
    const process = (reopenLog: LogRotationOptions['runtime']['reopenLog']): LogRotation => {
      const asked = { logPath: async () => path, reopenLog };
      return new LogRotation({
        runtime: asked,
        limits: { maxBytes: 30_000, maxFiles: 1000 },
        clock,
        log: silentLogger,
      });
    };
    const reopen = async (): Promise<void> => {
      const before = inode();
      await runtime.reopenLog(id, { signal });
      // Of a watcher that takes longer the tests of LogRotation tell.
      await waitFor('there is a new file', () => inode() !== before);
    };
    let living = process(reopen);
    let rotations = 0;
    for (let look = 0; look < 100; look++) {
      const before = inode();
      await waitFor('the log is full', () => statSync(path).size > 30_000);
      const killed = random();
      if (killed < 0.15)
        await process(() => Promise.reject(new Error('killed before it asked'))).lookAt([id], { signal });
      else if (killed < 0.3) await process(reopen).lookAt([id], { signal });
      else await living.lookAt([id], { signal });
      if (killed < 0.3) living = process(reopen);
      if (inode() !== before) rotations++;
      await clock.advance(10_000);
    }
    await runtime.exec(id, { command: ['touch', '/end'], maxOutputBytes: 100 }, { signal });
    await sandbox.ended(id);
    ended.abort();
    const [read, heard] = await Promise.all([Array.fromAsync(readLog(path, { timestamps: false, signal })), followed]);
    const lines = Buffer.concat(read).toString().trimEnd().split('\n');
    assert.equal(lines.pop(), 'end');
    assert.ok(lines.every((line, index) => line === String(index + 1)));
    assert.ok(Buffer.concat(read).equals(Buffer.concat(heard)));
    assert.ok(rotations > 15, `${rotations} rotations`);
    assert.ok(readdirSync(dirname(path)).length > rotations);
  });
});
