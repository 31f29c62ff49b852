import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMachineNetwork } from './machine-network.ts';

const head = 'Iface\tDestination\tGateway \tFlags\n';

test('the machine’s network is the interface of its default route', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'vk-network-'));
  context.after(() => rmSync(root, { recursive: true }));
  const statistics = join(root, 'class/net/eth1/statistics');
  for (const folder of [join(root, 'self/net'), statistics]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(root, 'self/net/route'),
    `${head}eth0\t000200C0\t00000000\t0001\neth1\t00000000\t010200C0\t0003\n`,
  );
  const counters = { rx_bytes: 1006, rx_errors: 2, tx_bytes: 516, tx_errors: 3 };
  for (const [name, count] of Object.entries(counters)) writeFileSync(join(statistics, name), `${count}\n`);
  const expected = { name: 'eth1', rxBytes: 1006, rxErrors: 2, txBytes: 516, txErrors: 3 };
  assert.deepEqual(readMachineNetwork(root, root), expected);
  writeFileSync(join(root, 'self/net/route'), head);
  assert.equal(readMachineNetwork(root, root), undefined);
});
