import { hasCode } from '../support/errors.ts';

/** Whether the other side gave no answer, so that nothing is known of what was asked: no fault of the pod's. */
export function isUnanswered(error: unknown): boolean {
  return (hasCode(error, 'Unavailable') || hasCode(error, 'Timeout')) && error.reason === undefined;
}
