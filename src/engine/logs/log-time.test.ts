import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTimeMs, writeTime } from './log-time.ts';

describe('times of a log', () => {
  for (const [time, expected] of [
    ['2026-01-01T00:00:01.500000001Z', Date.parse('2026-01-01T00:00:01Z') + 0.500000001 * 1000],
    ['2026-01-01T00:00:01.5Z', Date.parse('2026-01-01T00:00:01.5Z')],
    ['2026-01-01T00:00:01Z', Date.parse('2026-01-01T00:00:01Z')],
    ['2026-07-01T14:00:01.250000000+05:30', Date.parse('2026-07-01T14:00:01.250+05:30')],
    ['2026-07-01T14:00:01.250000000-03:00', Date.parse('2026-07-01T14:00:01.250-03:00')],
    ['2026-07-01T14:00:01.25000x000-03:00', Number.NaN],
    ['yesterday', Number.NaN],
    ['', Number.NaN],
  ] as const) {
    it(`reads ${time || 'nothing'} as ${expected}`, () => {
      assert.equal(parseTimeMs(Buffer.from(time)), expected);
    });
  }

  for (const [time, expected] of [
    ['2026-07-01T14:00:01.250000000+00:00', '2026-07-01T14:00:01.250000000Z '],
    ['2026-07-01T14:00:01.250000000+05:30', '2026-07-01T14:00:01.250000000+05:30 '],
    ['Z', 'Z '],
  ] as const) {
    it(`writes ${time} as Go does, in the same buffer`, () => {
      const buffer = Buffer.from(`${time} stdout F`);
      const end = writeTime(buffer, { start: 0, end: time.length, target: 0 });
      assert.equal(buffer.toString('utf8', 0, end), expected);
    });
  }
});
