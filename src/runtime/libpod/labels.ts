import type { LabelFilter } from '../runtime.ts';

/** Whether `labels` have all of the filter's. */
export function carries(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  return Object.entries(filter).every(([key, value]) => labels[key] === value);
}
