import type { ServerResponse } from 'node:http';
import { CodedError, type ErrorCode, messageOf } from '../support/errors.ts';

/** An answer whose status no code of the error family stands for: 405, 413, 422. */
export class HttpError extends CodedError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('InvalidInput', message);
    this.status = status;
  }
}

const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  InvalidInput: 400,
  Terminal: 500,
  Capacity: 503,
  Throttled: 429,
  NotImplemented: 501,
  Unauthorized: 401,
  Forbidden: 403,
  Gone: 410,
  Unavailable: 503,
  Timeout: 504,
  Internal: 500,
};

/** The HTTP status of anything thrown; what is not of the family is a defect of ours. */
export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  return error instanceof CodedError ? statusOfCode[error.code] : 500;
}

/**
 * Answers with the error as plain text, as kubelet does, so that kubectl can show it. An answer that has begun cannot
 * turn into an error any more: its connection is cut, so that nobody takes what came so far for the whole.
 */
export function answerWithError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status = statusOf(error);
  if (error instanceof CodedError && error.retryAfterMs !== undefined) {
    response.setHeader('retry-after', Math.ceil(error.retryAfterMs / 1000));
  }
  // Whoever is not known gives up the connection; what is left of an oversized body is not read.
  if (status === 401 || status === 413) response.setHeader('connection', 'close');
  const text = error instanceof CodedError ? messageOf(error) : 'internal error';
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
