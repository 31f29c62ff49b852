import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensureBinaries } from './binaries.ts';
import { binaryNames } from './binary-sources.ts';

test('a complete KUBEBUILDER_ASSETS is used as it is', async (t) => {
  const dir = assets(t, binaryNames);
  const lines: string[] = [];
  const binaries = await ensureBinaries({ progress: (line) => lines.push(line) });
  assert.deepEqual(binaries, Object.fromEntries(binaryNames.map((name) => [name, join(dir, name)])));
  assert.deepEqual(lines, []);
});

test('an incomplete KUBEBUILDER_ASSETS is left, and what it lacks is said', async (t) => {
  const dir = assets(t, ['etcd', 'kube-apiserver', 'kubectl']);
  const lines: string[] = [];
  const reason = new Error('enough');
  // Aborted from the start: this is about the choice, not about what comes after it.
  await ensureBinaries({ progress: (line) => lines.push(line), signal: AbortSignal.abort(reason) }).catch(() => {});
  assert.equal(
    lines[0],
    `KUBEBUILDER_ASSETS=${dir} is not used: it lacks kube-controller-manager, kube-scheduler, kube-proxy, coredns`,
  );
});

function assets(t: TestContext, names: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'vk-assets-'));
  for (const name of names) writeFileSync(join(dir, name), '');
  const before = { assets: process.env['KUBEBUILDER_ASSETS'], cache: process.env['XDG_CACHE_HOME'] };
  process.env['KUBEBUILDER_ASSETS'] = dir;
  process.env['XDG_CACHE_HOME'] = join(dir, 'cache');
  t.after(() => {
    restore('KUBEBUILDER_ASSETS', before.assets);
    restore('XDG_CACHE_HOME', before.cache);
    rmSync(dir, { recursive: true });
  });
  return dir;
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
