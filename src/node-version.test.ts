import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { oldestNodeMajor, whyTooOld } from './node-version.ts';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('bin.ts', import.meta.url));

for (const [version, expected] of [
  ['v20.20.2', 'needs Node.js 24 or later, this is v20.20.2'],
  ['v8.0.0', 'needs Node.js 24 or later, this is v8.0.0'],
  ['v24.0.0', undefined],
  ['v100.1.0', undefined],
] as const) {
  test(`Node.js ${version} is ${expected === undefined ? 'new enough' : 'too old'}`, () => {
    assert.equal(whyTooOld(version), expected);
  });
}

test('the oldest Node.js is the one that the package names', () => {
  const { engines, bin: bins } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(engines.node, `>=${oldestNodeMajor}`);
  assert.deepEqual(bins, { 'virtual-kubelet': 'dist/bin.js' });
});

test('the command of the package says so before it loads anything else, and else runs', async () => {
  const old = "Object.defineProperty(process, 'version', { value: 'v20.20.2' })";
  await assert.rejects(run(process.execPath, ['--import', `data:text/javascript,${old}`, bin, '--version']), {
    code: 1,
    stdout: '',
    stderr: 'virtual-kubelet: needs Node.js 24 or later, this is v20.20.2\n',
  });
  const { stdout } = await run(process.execPath, [bin, '--version']);
  assert.match(stdout, /^virtual-kubelet \d/);
});
