import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
const withoutRoot = ['--import', 'data:text/javascript,process.geteuid = () => 65534'];

for (const [args, message] of [
  [['test/run.ts', 'cluster', 'e2e'], /needs root.*\nNothing was run, since cluster, e2e cannot be; `make lint unit`/],
  [['test/run.ts', 'lint', 'soak'], /needs root.*\nNothing was run, since soak cannot be/],
  [['bench/run.ts'], /needs root, for a network namespace and containers: run it with sudo\.\n$/],
] as const) {
  test(`${args.join(' ')} says at once, and alone, that it needs root`, {
    skip: process.platform !== 'linux',
  }, async () => {
    await assert.rejects(run(process.execPath, [...withoutRoot, ...args], { cwd, timeout: 20_000 }), (error) => {
      const { code, stdout, stderr } = error as Error & { code: number; stdout: string; stderr: string };
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
      return true;
    });
  });
}

test('the test cluster’s command tells how it is used', async () => {
  const { stdout, stderr } = await run(process.execPath, ['test/cluster/main.ts', '--help'], { cwd });
  assert.match(stdout, /^Usage: node test\/cluster\/main\.ts COMMAND/);
  assert.equal(stderr, '');
});
