import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds`, at most 20 s: a busy machine is slow, and not wrong. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error('it did not become so within 20 s');
    await sleep(5);
  }
}

/** Waits until `value` has stood still for a moment, and gives it. */
export async function standingStill(value: () => number): Promise<number> {
  for (;;) {
    const before = value();
    await sleep(150);
    if (value() === before) return before;
  }
}
