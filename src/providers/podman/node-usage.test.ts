import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { readNodeUsage } from './node-usage.ts';

const network = { name: 'eth0', rxBytes: 1, rxErrors: 0, txBytes: 2, txErrors: 0 };

test('the node has what it offers, and file systems that are as full as the machine’s', async () => {
  const usage = await readNodeUsage({
    capacity: { cpu: '1500m', memory: '2Gi' },
    rootDir: tmpdir(),
    storagePath: '/proc',
    network,
    timeMs: 7,
  });
  const { capacity, filesystem, imageFilesystem, network: read } = usage;
  assert.deepEqual(capacity, { cpus: 1.5, memoryBytes: 2 ** 31 });
  assert.deepEqual(read, { timeMs: 7, interfaces: [network] });
  const { capacityBytes = 0, availableBytes = 0, usedBytes = 0 } = filesystem ?? {};
  assert.ok(usedBytes > 0 && availableBytes > 0 && usedBytes + availableBytes <= capacityBytes);
  assert.equal(imageFilesystem?.timeMs, 7);
});

test('what cannot be seen from here is left out', async () => {
  const capacity = { cpu: '1', memory: '1Gi' };
  const gone = { rootDir: '/nowhere/at/all', storagePath: undefined, network: undefined };
  assert.deepEqual(await readNodeUsage({ capacity, ...gone, timeMs: 7 }), {
    capacity: { cpus: 1, memoryBytes: 2 ** 30 },
  });
});
