import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tryLock, waitForLock } from './lock.ts';
import { waitFor } from './wait-for.ts';

test('a lock is held by one at a time', async (t) => {
  const path = lockPath(t);
  const first = await tryLock(path);
  assert.ok(first);
  assert.equal(await tryLock(path), undefined);
  await first[Symbol.asyncDispose]();
  const second = await tryLock(path);
  assert.ok(second);
  await second[Symbol.asyncDispose]();
});

test('who waits for a lock gets it when it is given back', async (t) => {
  const path = lockPath(t);
  const first = await tryLock(path);
  let waited = false;
  const second = waitForLock(path, {
    onWait: () => {
      waited = true;
      void first?.[Symbol.asyncDispose]();
    },
  });
  await using _lock = await second;
  assert.ok(waited);
});

test('a lock is free again when its holder was killed', async (t) => {
  const path = lockPath(t);
  const script = `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await tryLock(${JSON.stringify(path)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.equal(await tryLock(path), undefined);
  holder.kill('SIGKILL');
  const lock = await waitFor(() => tryLock(path), { what: 'the lock', timeoutMs: 5_000 });
  await lock[Symbol.asyncDispose]();
});

function lockPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'vk-lock-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, 'deep', 'lock');
}
