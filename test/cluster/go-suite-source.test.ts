import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { goSuiteSource } from './go-suite-source.ts';

test('the suite of the Go virtual kubelet is built from a module that pins its version', () => {
  const { build, version } = goSuiteSource;
  const module = join(import.meta.dirname, 'modules', build.module);
  const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
  assert.ok(goMod.includes(`\nmodule ${build.package}\n`));
  assert.ok(goMod.includes(`\nrequire github.com/virtual-kubelet/virtual-kubelet ${version}\n`));
  assert.ok(existsSync(join(module, 'go.sum')));
});
