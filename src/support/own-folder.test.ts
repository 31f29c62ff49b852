import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { hasCode } from './errors.ts';
import { makeOwnFolder } from './own-folder.ts';

describe('a folder of our own', () => {
  const home = mkdtempSync(join(tmpdir(), 'own-folder-'));
  after(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, 'file'), '');
  symlinkSync(home, join(home, 'link'));

  for (const [what, path] of [
    ['that is there', home],
    ['whose parents are to be made as well', join(home, 'a', 'b')],
    ['behind a link', join(home, 'link', 'c')],
  ] as const) {
    it(`${what} can be used, again too, and is left without a trace`, async () => {
      await makeOwnFolder(path, '--root-dir');
      await makeOwnFolder(path, '--root-dir');
      if (path !== home) assert.deepEqual(readdirSync(path), []);
    });
  }

  for (const [what, path] of [
    ['that is a file', join(home, 'file')],
    ['below a file', join(home, 'file', 'a')],
    ['where nothing can be made', '/proc/nothing/a'],
    ['that is there and cannot be written to', '/proc'],
  ] as const) {
    it(`${what} is refused by the name of the setting`, { timeout: 5000 }, async () => {
      await assert.rejects(
        makeOwnFolder(path, '--root-dir'),
        (error) =>
          hasCode(error, 'InvalidInput') &&
          error.message.startsWith(`--root-dir: "${path}" cannot be used: `) &&
          /EEXIST|ENOTDIR|ENOENT|EACCES/.test(error.message),
      );
    });
  }
});
