import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { readMemoryConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'memory-config-'));
after(() => rmSync(folder, { recursive: true }));

function fileWith(content: unknown): string {
  const file = join(folder, 'mock.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const defaults = { cpu: '20', memory: '100Gi', pods: '20', others: {} };

for (const [what, content, expected] of [
  ['without a file', undefined, defaults],
  ['for a node that the file does not have', { other: { cpu: '1' } }, defaults],
  ['for an empty text, which Go takes for none', { n: { cpu: '', memory: '', pods: '' } }, defaults],
  ['for what the file leaves out', { n: { pods: '10k' } }, { ...defaults, pods: '10k' }],
  [
    'but for what the file says',
    { n: { cpu: '2', memory: '1Gi', pods: '3', others: { 'nvidia.com/gpu': '4' }, providerID: 'mock://n' } },
    { cpu: '2', memory: '1Gi', pods: '3', others: { 'nvidia.com/gpu': '4' }, providerID: 'mock://n' },
  ],
] as const) {
  test(`the Go mock's defaults are taken ${what}`, async () => {
    assert.deepEqual(await readMemoryConfig(content && fileWith(content), 'n'), expected);
  });
}

for (const [what, content, message] of [
  ['a file that is not JSON', '{{', /mock\.json/],
  ['a quantity that is none', { n: { cpu: '20x' } }, /"n"\."cpu".*20x/],
  ['a number where a text belongs', { n: { pods: 20 } }, /"n"\."pods".*20/],
  ['an unknown key', { n: { cpus: '20' } }, /"n".*cpus/],
  ['a mistake in another node', { m: { others: { gpu: 'many' } } }, /"m"\."others"\."gpu".*many/],
  ['a list', [], /the file/],
] as const) {
  test(`${what} is refused with key and value`, async () => {
    await assert.rejects(
      readMemoryConfig(fileWith(content), 'n'),
      (error) => hasCode(error, 'InvalidInput') && message.test(error.message),
    );
  });
}

test('a missing file is named', async () => {
  await assert.rejects(
    readMemoryConfig('/nowhere/mock.json', 'n'),
    (error) => hasCode(error, 'InvalidInput') && error.message.includes('/nowhere/mock.json'),
  );
});
