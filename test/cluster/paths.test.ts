import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterDir } from './paths.ts';

test('a cluster has its own folder', () => assert.equal(clusterDir('demo'), '/var/lib/vk-clusters/demo'));

for (const name of ['', '..', 'a/b', 'Demo', '1st', 'averylongname']) {
  test(`'${name}' is no name for a cluster`, () =>
    assert.throws(() => clusterDir(name), /cannot be the name of a cluster/));
}
