import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { addressTowards } from './node-address.ts';

const external = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter((address) => !address.internal && address.family === 'IPv4')
  .map((address) => address.address);

test('the address towards an API server on loopback is one that it can call, or the operator is asked for one', async () => {
  const answer = addressTowards('https://127.0.0.1:6443');
  if (external.length > 0) assert.equal(await answer, external[0]);
  else await assert.rejects(answer, (error) => hasCode(error, 'InvalidInput') && /--node-ip/.test(error.message));
});

for (const address of external) {
  test(`the address towards our own address ${address} is that address`, async () => {
    assert.equal(await addressTowards(`https://${address}:6443`), address);
  });
}
