import { CodedError, type ErrorCode, messageOf } from '../../../support/errors.ts';

/** What AWS's error codes mean to us; by the beginning of the code, since services add `Exception` or do not. */
const codes: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown)/, 'Throttled'],
  [
    /^(CredentialsProviderError|TokenProviderError|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch)/,
    'Unauthorized',
  ],
  [/^(ExpiredToken|InvalidClientTokenId|IncompleteSignature|MissingAuthenticationToken)/, 'Unauthorized'],
  [/^AccessDenied/, 'Forbidden'],
  [/^(ResourceNotFound|ClusterNotFound|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)/, 'NotFound'],
  [/^ResourceExists/, 'AlreadyExists'],
  [/^Conflict/, 'Conflict'],
  [/^LimitExceeded/, 'Capacity'],
  [
    /^(InvalidParameter|InvalidRequest|Client|Validation|UnsupportedFeature|Platform|MalformedPolicy|Blocked)\w*Exception$/,
    'InvalidInput',
  ],
];

/** Quotas and full zones, in the words of messages whose code is one of many meanings. */
const capacityWords = /capacity is unavailable|limit on the number of|^RESOURCE:/i;

/** An error of the SDK as one of ours, `what` being what was tried; errors of ours stay as they are. */
export function fromAws(what: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const name = error instanceof Error ? error.name : '';
  const found = codes.find(([pattern]) => pattern.test(name))?.[1] ?? 'Unavailable';
  const code = isCapacity(messageOf(error)) ? 'Capacity' : found;
  const prefix = name === '' || name === 'Error' ? what : `${what}: ${name}`;
  return new CodedError(code, prefix, { cause: error });
}

/** Whether AWS says that there is no room now. */
export function isCapacity(text: string): boolean {
  return capacityWords.test(text);
}
