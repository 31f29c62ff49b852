import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { hasListener, isListening } from './listening.ts';

const table = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000
   1: 0100007F:170D 0100007F:1388 01 00000000:00000000
`;

test("a listening port is found in the kernel's table", () => assert.equal(hasListener(table, 5000), true));
test('a port that is only connected is not listened on', () => assert.equal(hasListener(table, 5901), false));
test('an absent port is not listened on', () => assert.equal(hasListener(table, 80), false));

test('a real listener is seen while it listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  assert.equal(isListening(process.pid, address.port), true);
  await server[Symbol.asyncDispose]();
  assert.equal(isListening(process.pid, address.port), false);
});
