import { CodedError } from './errors.ts';

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a duration as Go writes it: `1h30m`, `1.5s`, `250ms`, `0`. Throws `InvalidInput` for anything else,
 * negative durations included: nothing here waits backwards.
 */
export function parseDurationMs(text: string): number {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy)];
  const matched = parts.reduce((length, part) => length + part[0].length, 0);
  if (parts.length === 0 || matched !== text.length) {
    throw new CodedError('InvalidInput', `"${text}" is not a duration; write for example 10s, 1m30s, 250ms or 4h`);
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (unitsMs[part[2] ?? ''] ?? 0), 0);
}
