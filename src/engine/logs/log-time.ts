const blank = 0x20;
const zulu = 0x5a;
const minus = 0x2d;
const utcOffset = Buffer.from('+00:00');
const utc = Buffer.from('Z');

/**
 * Milliseconds since the epoch, with their fraction: nanoseconds count where two lines share a millisecond. By hand, as it
 * is done for each line. NaN for what is no time.
 */
export function parseTimeMs(time: Buffer): number {
  const zoneStart = time.at(-1) === zulu ? time.length - 1 : time.length - utcOffset.length;
  const ms = Date.UTC(
    digits(time, 0, 4),
    digits(time, 5, 7) - 1,
    digits(time, 8, 10),
    digits(time, 11, 13),
    digits(time, 14, 16),
    digits(time, 17, 19),
  );
  const fraction = zoneStart > 20 ? digits(time, 20, zoneStart) / 10 ** (zoneStart - 20) : 0;
  const offsetMinutes =
    time[zoneStart] === zulu
      ? 0
      : digits(time, zoneStart + 1, zoneStart + 3) * 60 + digits(time, zoneStart + 4, zoneStart + 6);
  return ms + fraction * 1000 - (time[zoneStart] === minus ? -offsetMinutes : offsetMinutes) * 60_000;
}

function digits(text: Buffer, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = (text[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Moves a time to `target`, a blank behind it. Go writes an offset of zero as Z. */
export function writeTime(
  buffer: Buffer,
  { start, end, target }: { readonly start: number; readonly end: number; readonly target: number },
): number {
  const isUtc = utcOffset.equals(buffer.subarray(end - utcOffset.length, end));
  const zoneStart = isUtc ? end - utcOffset.length : end;
  buffer.copyWithin(target, start, zoneStart);
  let length = target + zoneStart - start;
  if (isUtc) length += utc.copy(buffer, length);
  buffer[length] = blank;
  return length + 1;
}
