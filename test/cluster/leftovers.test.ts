import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountPointsBelow } from './leftovers.ts';

test('mount points below a folder are given with the innermost first', () => {
  const mountInfo = [
    '1 0 8:1 / / rw - ext4 /dev/vda rw',
    '2 1 0:5 / /run/x rw - tmpfs tmpfs rw',
    '3 2 0:6 / /run/x/deep\\040folder rw - tmpfs tmpfs rw',
    '4 1 0:7 / /run/xy rw - tmpfs tmpfs rw',
    '',
  ].join('\n');
  assert.deepEqual(mountPointsBelow(mountInfo, '/run/x'), ['/run/x/deep folder', '/run/x']);
});
