import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLocalFargate } from './options.ts';

test('without flags it serves on loopback, as fast as it can, at AWS’s rates', () => {
  const invocation = parseLocalFargate([]);
  assert.ok(invocation.kind === 'run');
  const { host, port, region, switches } = invocation.options;
  assert.deepEqual([host, port, region], ['127.0.0.1', 4566, 'us-east-1']);
  assert.deepEqual([switches.startLatency, switches.throttling], ['none', 1]);
});

test('--help is printed', () => {
  const invocation = parseLocalFargate(['--help']);
  assert.ok(invocation.kind === 'print');
  assert.match(invocation.text, /--event-queue <name>/);
});

test('everything that is wrong is said at once', () => {
  const flags = [
    '--port',
    'x',
    '--region',
    'here',
    '--account-id',
    '1',
    '--throttling',
    '-1',
    '--start-latency',
    'slow',
  ];
  assert.throws(
    () => parseLocalFargate([...flags, '--event-queue', 'a.fifo', '--log-level', 'loud']),
    ({ message }: Error) => {
      for (const flag of ['port', 'region', 'account-id', 'throttling', 'start-latency', 'event-queue', 'log-level']) {
        assert.match(message, new RegExp(`^--${flag}: `, 'm'));
      }
      return true;
    },
  );
});

test('a flag that there is not is refused', () => {
  assert.throws(() => parseLocalFargate(['--pots', '1']), /unknown option '--pots'/);
});
