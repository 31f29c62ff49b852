import type { Plan } from './action.ts';
import { planEnding } from './plan-ending.ts';
import { planLife } from './plan-life.ts';
import { type LifeInput, whyEnding } from './why-ending.ts';

/**
 * What to do for a pod, from what is wanted and what there is: pure, and right whatever happened before (kubelet's
 * `computePodActions` and `killPod`).
 */
export function planPod(input: LifeInput): Plan {
  const ending = whyEnding(input);
  return ending ? planEnding(input, ending) : planLife(input);
}
