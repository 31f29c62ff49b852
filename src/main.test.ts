import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

test('two signals at once are one wish to end gently', { timeout: 30_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'main-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const [cluster, user] = [{ server: 'http://127.0.0.1:1' }, { token: 'x' }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [{ name: 'x', cluster }],
      users: [{ name: 'x', user }],
    }),
  );
  const child = spawn(process.execPath, [main, '--provider=memory', '--kubeconfig', kubeconfig, '--log-level=debug'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  const said = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // It cannot have an API server, and waits for it.
      if (output.includes('127.0.0.1:1')) said.resolve();
    });
  }
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  await Promise.race([said.promise, exited]);
  // Stopped meanwhile, it finds both when it goes on.
  for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const) child.kill(signal);
  assert.equal(await exited, 0, output);
  assert.equal(output.match(/: stopping/g)?.length, 1, output);
});
