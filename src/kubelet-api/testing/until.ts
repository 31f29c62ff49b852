import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds`, at most 5 s. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 5000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error('it did not become so within 5 s');
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
