import { CodedError, type ErrorCode } from '../support/errors.ts';

/** The API's Status object, as far as errors need it. */
interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly field?: string }[];
  };
}

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'InvalidInput',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'InvalidInput',
  406: 'InvalidInput',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'InvalidInput',
  415: 'InvalidInput',
  422: 'InvalidInput',
  429: 'Throttled',
  504: 'Timeout',
};

/**
 * The error that an answer of the API server means, in the API server's words; `what` names the request. `body` is a
 * Status object, or what a proxy in between wrote.
 */
export function errorOfAnswer(
  what: string,
  answer: { readonly status: number; readonly body: string; readonly retryAfterMs: number | undefined },
): CodedError {
  const status = parseStatus(answer.body);
  if (status !== undefined) return errorOfStatus(status, answer.retryAfterMs);
  const excerpt = answer.body.trim().slice(0, 200);
  return errorOf(answer.status, `${what}: HTTP ${answer.status}${excerpt ? `: ${excerpt}` : ''}`, answer.retryAfterMs);
}

/** The error that a Status object means; watches send them as ERROR events. */
export function errorOfStatus(status: Status, retryAfterMs?: number): CodedError {
  const { code = 500, reason, message = reason ?? 'the API server gave no message', details } = status;
  if (code === 409 && reason === 'AlreadyExists') return new CodedError('AlreadyExists', message);
  // a patch that names a UID and meets the next object of that name (measured on 1.36.3)
  if (code === 422 && details?.causes?.some(({ field }) => field === 'metadata.uid')) {
    return new CodedError('Conflict', message);
  }
  const askedMs = details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000;
  return errorOf(code, message, retryAfterMs ?? askedMs);
}

/** Milliseconds of a Retry-After header in seconds, the only form that the API server writes. */
export function retryAfterMsOf(header: string | readonly string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' ? Number.parseInt(header, 10) : Number.NaN;
  return Number.isNaN(seconds) || seconds < 0 ? undefined : seconds * 1000;
}

function errorOf(status: number, message: string, retryAfterMs: number | undefined): CodedError {
  return new CodedError(
    codes[status] ?? (status >= 500 ? 'Unavailable' : 'Internal'),
    message,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

function parseStatus(body: string): Status | undefined {
  try {
    const status = JSON.parse(body) as Status | null;
    return status?.kind === 'Status' ? status : undefined;
  } catch {
    return undefined;
  }
}
