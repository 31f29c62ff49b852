import { systemClock } from '../../support/clock.ts';

/**
 * The first truthy answer of `ask`, which is asked again and again; an error that says what was waited for, and `detail`,
 * where there is none within the deadline (default 10 s).
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly detail?: () => unknown } = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, detail } = options;
  const endMs = systemClock.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (systemClock.now() > endMs) {
      const seen = detail === undefined ? '' : `; at the end: ${JSON.stringify(detail())}`;
      throw new Error(`${what}: not within ${timeoutMs} ms${seen}`);
    }
    await shortWhile();
  }
}

/** Not the clock's sleep: its timers keep no process alive, and here nothing else may. */
function shortWhile(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
}
