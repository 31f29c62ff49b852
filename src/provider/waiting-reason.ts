import { CodedError, type ErrorCode } from '../support/errors.ts';

const reasons: Partial<Record<ErrorCode, string>> = {
  Capacity: 'ProviderOutOfCapacity',
  Throttled: 'ProviderThrottled',
  Unavailable: 'ProviderUnavailable',
  Timeout: 'ProviderUnavailable',
};

/** Why containers wait that could not be started: in the error's own word, where it has one. */
export function waitingReason(error: unknown): string {
  const { reason, code } = error instanceof CodedError ? error : {};
  return reason ?? (code && reasons[code]) ?? 'ProviderFailed';
}
