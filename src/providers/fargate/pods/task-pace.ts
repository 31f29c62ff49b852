/** How long a look is good for: longer with more tasks, since a call is for a hundred of them. */
interface Pace {
  readonly perTaskMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

const steadyPace: Pace = { perTaskMs: 10, leastMs: 5000, mostMs: 30_000 };
const freshPace: Pace = { perTaskMs: 50, leastMs: 1000, mostMs: 6000 };
/** Of a wave's age, a look is good for this part, and for less the smaller the wave is. */
const agePart = 1 / 4;
/** From so many tasks on it is the whole part. */
const wholePartTasks = 100;
const longestMs = 30_000;

/** Milliseconds for which a look at so many running tasks is good. */
export function steadyPaceMs(count: number): number {
  return paceMs(steadyPace, count);
}

/**
 * Milliseconds for which a look at a wave is good: at so many tasks that began to start or stop at about the same time,
 * `ageMs` before the look. One alone is looked at each second. With many the pauses grow with the time that they take, so
 * that the looks grow with its logarithm: a hundred tasks need under twenty looks, be it in half a minute or in five.
 */
export function wavePaceMs(size: number, ageMs: number): number {
  const grownMs = ageMs * agePart * Math.min(size / wholePartTasks, 1);
  return Math.min(Math.max(paceMs(freshPace, size), grownMs), longestMs);
}

function paceMs({ perTaskMs, leastMs, mostMs }: Pace, count: number): number {
  return Math.min(Math.max(perTaskMs * count, leastMs), mostMs);
}
