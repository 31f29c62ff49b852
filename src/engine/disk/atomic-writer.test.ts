import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { VolumeFile } from '../../podspec/volumes/volume-files.ts';
import { writeAtomically } from './atomic-writer.ts';

const file = (path: string, text: string, mode = 0o644): VolumeFile => ({ path, contents: Buffer.from(text), mode });

describe('writeAtomically', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'atomic-writer-')), 'volume');
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true }));

  const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
  const names = async (): Promise<string[]> => (await readdir(folder)).filter((name) => !name.startsWith('..')).sort();

  it('lays files out as kubelet does: names that lead through one link', async () => {
    assert.equal(await writeAtomically(folder, [file('a', '1', 0o400), file('deep/b', '2')]), true);
    assert.deepEqual([await read('a'), await read('deep/b')], ['1', '2']);
    assert.equal(await readlink(join(folder, 'a')), '..data/a');
    assert.equal(await readlink(join(folder, 'deep')), '..data/deep');
    assert.match(await readlink(join(folder, '..data')), /^\.\.[0-9a-f]+$/);
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o400);
  });

  it('changes nothing where nothing has changed', async () => {
    await writeAtomically(folder, [file('a', '1'), file('deep/b', '2')]);
    const before = await readlink(join(folder, '..data'));
    assert.equal(await writeAtomically(folder, [file('deep/b', '2'), file('a', '1')]), false);
    assert.equal(await readlink(join(folder, '..data')), before);
  });

  for (const [what, files] of [
    ['a changed file', [file('a', 'new'), file('b', '2')]],
    ['a file that is gone', [file('a', '1')]],
    ['a file more', [file('a', '1'), file('b', '2'), file('c', '3')]],
    ['no file at all', []],
  ] as const) {
    it(`switches to ${what} and keeps only the newest version`, async () => {
      await writeAtomically(folder, [file('a', '1'), file('b', '2')]);
      assert.equal(await writeAtomically(folder, files), true);
      assert.deepEqual(
        await names(),
        files.map(({ path }) => path),
      );
      for (const { path, contents } of files) assert.equal(await read(path), Buffer.from(contents).toString());
      assert.equal((await readdir(folder)).filter((name) => /^\.\.[0-9a-f]{16}$/.test(name)).length, 1);
    });
  }

  it('goes on where a crash came in between', async () => {
    await writeAtomically(folder, [file('a', '1')]);
    await mkdir(join(folder, '..1234567890abcdef'));
    await writeFile(join(folder, '..1234567890abcdef/a'), 'half');
    await rm(join(folder, 'a'));
    await writeFile(join(folder, '..data_tmp'), '');
    await writeAtomically(folder, [file('a', '1')]);
    assert.equal(await read('a'), '1');
    await writeAtomically(folder, [file('a', '2')]);
    assert.equal(await read('a'), '2');
    assert.equal((await readdir(folder)).filter((name) => /^\.\.[0-9a-f]{16}$/.test(name)).length, 1);
  });

  it('gives files and folders to a group, and a file to its owner', { skip: process.geteuid?.() !== 0 }, async () => {
    const owned: VolumeFile = { ...file('token', 't', 0o600), ownerUid: 1234 };
    await writeAtomically(folder, [owned, file('deep/b', '2', 0o400)], { gid: 3000 });
    const of = async (path: string) => {
      const { uid, gid, mode } = await stat(join(folder, path));
      return [uid, gid, (mode & 0o7777).toString(8)];
    };
    assert.deepEqual(await of('.'), [0, 3000, '2775']);
    assert.deepEqual(await of('token'), [1234, 3000, '640']);
    assert.deepEqual(await of('deep/b'), [0, 3000, '440']);
  });

  it('can be read by those who may whatever our umask is', async () => {
    const before = process.umask(0o077);
    try {
      await writeAtomically(folder, [file('deep/a', '1')]);
    } finally {
      process.umask(before);
    }
    assert.equal((await stat(folder)).mode & 0o777, 0o755);
    assert.equal((await stat(join(folder, 'deep'))).mode & 0o777, 0o755);
    assert.ok((await lstat(join(folder, 'deep'))).isSymbolicLink());
    await chmod(folder, 0o700);
  });
});
