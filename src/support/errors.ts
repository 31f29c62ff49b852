/**
 * What an error means to whoever catches it. Each code has one reaction:
 *
 * - `NotFound`: the thing is not there; for a deletion that is success.
 * - `AlreadyExists`, `Conflict`: somebody else was first; read again and decide again.
 * - `InvalidInput`: the caller's words are wrong; repeating them does not help.
 * - `Terminal`: can never succeed; shown to the user and not tried again.
 * - `Capacity`: no room now; tried again with backoff.
 * - `Throttled`: too fast; tried again after `retryAfterMs`.
 * - `NotImplemented`: this provider cannot do it.
 * - `Unauthorized`: credentials are missing, wrong or expired.
 * - `Forbidden`: known, but without the right.
 * - `Gone`: the resource version or continue token is too old; list again.
 * - `Unavailable`: the other side cannot be reached or failed; tried again with backoff.
 * - `Timeout`: no answer within the deadline; tried again with backoff.
 * - `Internal`: a defect of ours or of the other side; tried again with backoff.
 */
export type ErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'InvalidInput'
  | 'Terminal'
  | 'Capacity'
  | 'Throttled'
  | 'NotImplemented'
  | 'Unauthorized'
  | 'Forbidden'
  | 'Gone'
  | 'Unavailable'
  | 'Timeout'
  | 'Internal';

export interface ErrorDetails {
  /** The error underneath. */
  readonly cause?: unknown;
  /** A short CamelCase word fit for a container's waiting reason or an event, as kubelet's `ErrImagePull`. */
  readonly reason?: string;
  /** How long the other side asks us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The one family of errors. `message` is written for an operator: what happened and, where known, what to do. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CodedError';
    this.code = code;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whether `error` belongs to the family and has this code. */
export function hasCode(error: unknown, code: ErrorCode): error is CodedError {
  return error instanceof CodedError && error.code === code;
}

/** Codes for which the same call can never succeed later. */
const finalCodes: ReadonlySet<ErrorCode> = new Set(['InvalidInput', 'Terminal', 'NotImplemented']);

/** Whether trying again can help. Unknown errors are tried again: forgetting is worse than repeating. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof CodedError && finalCodes.has(error.code));
}

/** The message of anything thrown, with the messages of its causes: `a: b: c`. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  if (error.cause === undefined) return own;
  const cause = messageOf(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}
