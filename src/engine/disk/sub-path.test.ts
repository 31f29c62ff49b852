import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CodedError } from '../../support/errors.ts';
import { hostMounts } from './mounts.ts';
import { mountSubPath } from './sub-path.ts';

const skip = process.geteuid?.() === 0 ? false : 'needs the right to mount';

describe('mountSubPath', { skip }, () => {
  let root: string;
  let volume: string;
  let serial = 0;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sub-path-'));
    volume = join(root, 'volume');
    await mkdir(join(volume, 'a/b'), { recursive: true });
    await writeFile(join(volume, 'a/b/file'), 'content');
    await mkdir(join(root, 'secret'));
    await writeFile(join(root, 'secret/key'), 'hush');
    await symlink('..data/file', join(volume, 'link'));
    await symlink('a/b', join(volume, '..data'));
    await symlink(join(root, 'secret'), join(volume, 'out'));
    await symlink('../../secret', join(volume, 'a/up'));
  });
  after(async () => {
    await hostMounts.unmount(root);
    await rm(root, { recursive: true });
  });

  const mounted = async (path: string): Promise<string> => {
    const target = join(root, 'targets', String(++serial));
    await mountSubPath(hostMounts, { volume, path, target });
    return target;
  };

  it('makes a missing folder with the rights of the volume, whatever our umask', async (context) => {
    const mask = process.umask(0o027);
    context.after(() => process.umask(mask));
    await chmod(volume, 0o2777);
    await mounted('new/deep');
    for (const path of ['new', 'new/deep']) assert.equal((await stat(join(volume, path))).mode & 0o7777, 0o2777, path);
  });

  it('mounts a folder and a file', async () => {
    assert.deepEqual((await readdir(await mounted('a'))).toSorted(), ['b', 'up']);
    assert.equal(await readFile(await mounted('a/b/file'), 'utf8'), 'content');
  });

  it('follows links within the volume, which is how files of ConfigMaps are laid out', async () => {
    assert.equal(await readFile(await mounted('link'), 'utf8'), 'content');
  });

  it('makes folders that are missing', async () => {
    const target = await mounted('new/and/deep');
    assert.ok((await stat(join(volume, 'new/and/deep'))).isDirectory());
    assert.deepEqual(await readdir(target), []);
  });

  for (const path of ['../secret', '/etc', 'out', 'out/key', 'a/up/key', 'out/new', 'a/../../secret']) {
    it(`refuses ${path}, which leads out of the volume`, async () => {
      await assert.rejects(mounted(path), (error) => {
        return error instanceof CodedError && error.reason === 'CreateContainerConfigError';
      });
      assert.deepEqual(await readdir(join(root, 'secret')), ['key']);
    });
  }

  it('leaves what it mounted in place when the mount goes', async () => {
    const target = await mounted('a/b');
    await hostMounts.unmount(join(root, 'targets'));
    assert.deepEqual(await readdir(target), []);
    assert.equal(await readFile(join(volume, 'a/b/file'), 'utf8'), 'content');
  });
});
