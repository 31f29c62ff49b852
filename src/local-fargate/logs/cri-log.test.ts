import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingUnfinished, readCriLines } from './cri-log.ts';

const at = '2026-01-01T00:00:00.123456789Z';
const atMs = Date.parse('2026-01-01T00:00:00.123Z');

test('parts of a line come together, each stream for itself', () => {
  const first = readCriLines([`${at} stdout P one `, `${at} stderr F oops`, 'not a line of a log'], nothingUnfinished);
  assert.deepEqual(first.events, [{ timestampMs: atMs, message: 'oops' }]);
  const second = readCriLines([`${at} stdout F line`], first.unfinished);
  assert.deepEqual(second.events, [{ timestampMs: atMs, message: 'one line' }]);
  assert.deepEqual(second.unfinished, nothingUnfinished);
});

test('a blank line is an event, and a line without end becomes several', () => {
  assert.equal(readCriLines([`${at} stdout F `], nothingUnfinished).events[0]?.message, ' ');
  const { events } = readCriLines([`${at} stdout P ${'x'.repeat(250_000)}`], nothingUnfinished);
  assert.equal(events.length, 1);
});
