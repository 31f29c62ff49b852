import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { measureFolders } from './measure-folders.ts';

const { signal } = new AbortController();

describe('measureFolders', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'measure-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('counts the blocks and the inodes of all that lies below, a file of two names once', async () => {
    const folder = join(root, 'with blank\nand newline');
    await mkdir(join(folder, 'deep'), { recursive: true });
    await writeFile(join(folder, 'deep', 'file'), Buffer.alloc(1_000_000, 'x'));
    await link(join(folder, 'deep', 'file'), join(folder, 'again'));
    const size = (await measureFolders([folder], { signal })).get(folder);
    assert.equal(size?.inodes, 3);
    assert.ok(size.bytes >= 1_000_000 && size.bytes < 1_100_000, String(size.bytes));
  });

  it('leaves out what is not there, and measures the others', async () => {
    const sizes = await measureFolders([join(root, 'gone'), root], { signal });
    assert.deepEqual([...sizes.keys()], [root]);
    assert.equal((await measureFolders([join(root, 'gone')], { signal })).size, 0);
  });

  it('measures thousands of folders in one go', async () => {
    const paths = Array.from({ length: 3000 }, (_, index) => join(root, String(index)));
    for (const path of paths) await mkdir(path);
    assert.equal((await measureFolders(paths, { signal })).size, 3000);
  });

  it('says so where there is no du', async (t) => {
    const path = process.env['PATH'];
    t.after(() => {
      process.env['PATH'] = path;
    });
    process.env['PATH'] = root;
    await assert.rejects(measureFolders([root], { signal }), (error) => hasCode(error, 'Unavailable'));
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const measuring = measureFolders([root], { signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(measuring, /enough/);
  });
});
