/** A source of numbers in [0, 1), as Math.random. Injected wherever chance plays a part, so that a seed repeats a run. */
export type Random = () => number;

/** A repeatable source: mulberry32 of `seed` (any 32-bit integer). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
