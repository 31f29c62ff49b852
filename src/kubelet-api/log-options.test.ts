import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { statusOf } from './errors.ts';
import { type LogOptions, parseLogOptions } from './log-options.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const plain: LogOptions = { previous: false, follow: false, timestamps: false };

describe('log options that are taken', () => {
  const taken: readonly [query: string, options: Partial<LogOptions>][] = [
    ['', {}],
    ['follow=true&previous=1&timestamps=', { follow: true, previous: true, timestamps: true }],
    ['follow=false&previous=0&timestamps=FALSE', {}],
    ['follow=no', { follow: true }],
    ['tailLines=0', { tailLines: 0 }],
    ['tailLines=%2B20&limitBytes=1', { tailLines: 20, limitBytes: 1 }],
    ['tail=7&tailLines=9', { tailLines: 7 }],
    ['tail=all&tailLines=9', {}],
    ['tailLines=5&tailLines=6', { tailLines: 5 }],
    ['sinceSeconds=60', { sinceMs: nowMs - 60_000 }],
    ['sinceTime=2026-03-01T11:00:00Z', { sinceMs: nowMs - 3_600_000 }],
    ['sinceTime=2026-03-01T13:00:00%2B01:00', { sinceMs: nowMs }],
    ['sinceTime=2026-03-01T12:00:00.25Z', { sinceMs: nowMs + 250 }],
    ['sinceTime=2026-03-01T12:00:00.123456789Z', { sinceMs: nowMs + 123.456789 }],
    ['sinceTime=', {}],
    ['sinceTime=null', {}],
    ['stream=All&tailLines=3', { tailLines: 3 }],
    ['stream=Stderr', { stream: 'stderr' }],
    ['insecureSkipTLSVerifyBackend=true&unknown=x', {}],
  ];
  for (const [query, options] of taken) {
    test(query === '' ? 'none' : query, () => {
      assert.deepEqual(parseLogOptions(new URLSearchParams(query), nowMs), { ...plain, ...options });
    });
  }
});

describe('log options that are refused', () => {
  const unreadable = { status: 400, message: '{"message": "Unable to decode query."}' };
  const nonsense = { status: 422, message: '{"message": "Invalid request."}' };
  const refused: readonly [query: string, answer: { status: number; message: string }][] = [
    ['tailLines=ten', unreadable],
    ['tailLines=', unreadable],
    ['tailLines=1.5', unreadable],
    ['tailLines=0x10', unreadable],
    ['tailLines=9223372036854775808', unreadable],
    [`tailLines=${'9'.repeat(5000)}`, unreadable],
    ['limitBytes=%zz', unreadable],
    ['sinceSeconds=1h', unreadable],
    ['sinceTime=yesterday', unreadable],
    ['sinceTime=2026-02-30T00:00:00Z', unreadable],
    ['sinceTime=2026-02-01', unreadable],
    ['tailLines=-1', nonsense],
    ['limitBytes=0', nonsense],
    ['sinceSeconds=0', nonsense],
    ['sinceSeconds=5&sinceTime=2026-03-01T11:00:00Z', nonsense],
    ['stream=stdout', nonsense],
    ['stream=toString', nonsense],
    ['stream=Stdout&tailLines=3', nonsense],
  ];
  for (const [query, { status, message }] of refused) {
    test(query.slice(0, 60), () => {
      assert.throws(
        () => parseLogOptions(new URLSearchParams(query), nowMs),
        (error: Error) => statusOf(error) === status && error.message === message,
      );
    });
  }
});
