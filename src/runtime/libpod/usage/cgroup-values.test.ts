import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlatKeyed, parseLimit, parseNetDev } from './cgroup-values.ts';

test('a file of names and values is read', () => {
  assert.deepEqual(
    [...parseFlatKeyed('anon 12\nfile 0\n')],
    [
      ['anon', 12],
      ['file', 0],
    ],
  );
});

test('no limit is told as such in both versions', () => {
  assert.equal(parseLimit('max\n'), undefined);
  assert.equal(parseLimit('9223372036854771712\n'), undefined);
  assert.equal(parseLimit('1048576\n'), 1_048_576);
});

test('interfaces are counted, loopback is not', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth0:    1006      11    2    0    0     0          0         0      516       7    3    0    0     0       0          0',
    '',
  ].join('\n');
  const packets = { rx: 11, rxDropped: 0, tx: 7, txDropped: 0 };
  assert.deepEqual(parseNetDev(text), [
    { name: 'eth0', rxBytes: 1006, rxErrors: 2, txBytes: 516, txErrors: 3, packets },
  ]);
});
