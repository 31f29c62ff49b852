import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hardLimit } from './podman.ts';

const limits = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            1024                 20000                files
Max pending signals       unlimited            unlimited            signals
`;

test('a limit of containers is not above our own', () => {
  assert.equal(hardLimit(limits, 'Max open files', 1_048_576), '20000:20000');
});
test('a limit of containers is not above what is wished', () => {
  assert.equal(hardLimit(limits, 'Max processes', 32_768), '32768:32768');
});
test('where we have no limit the wish is taken', () => {
  assert.equal(hardLimit(limits, 'Max pending signals', 100), '100:100');
});
