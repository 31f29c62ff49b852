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
  // Of Secrets Manager: the entry is not in a state for that, as while it is still on its way out.
  [/^InvalidRequestException$/, 'Unavailable'],
  [
    /^(InvalidParameter|Client|Validation|UnsupportedFeature|Platform|MalformedPolicy|Blocked)\w*Exception$/,
    'InvalidInput',
  ],
];

/** Quotas and full zones. */
const capacityWords = /capacity is unavailable|limit on the number of|^RESOURCE:/i;

/** What passes, in the words of messages whose code has many meanings. */
const words: readonly (readonly [RegExp, ErrorCode])[] = [
  [capacityWords, 'Capacity'],
  // Another revision of the family is being registered, or has just been deregistered.
  [/too many concurrent attempts|rate exceeded/i, 'Throttled'],
  // A role, or the one that ECS makes for itself in a new account, is not there yet: IAM tells everybody in its own time.
  [/role is not valid|unable to assume|service[- ]linked role/i, 'Unavailable'],
];

/** An error of the SDK as one of ours, `what` being what was tried; errors of ours stay as they are. */
export function fromAws(what: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const name = error instanceof Error ? error.name : '';
  const byCode = meaningOf(name, codes) ?? 'Unavailable';
  const hasManyMeanings = byCode === 'InvalidInput' || byCode === 'Unavailable';
  const code = (hasManyMeanings ? meaningOf(messageOf(error), words) : undefined) ?? byCode;
  const prefix = name === '' || name === 'Error' ? what : `${what}: ${name}`;
  return new CodedError(code, prefix, { cause: error });
}

/** Whether AWS says that there is no room now. */
export function isCapacity(text: string): boolean {
  return capacityWords.test(text);
}

function meaningOf(text: string, meanings: readonly (readonly [RegExp, ErrorCode])[]): ErrorCode | undefined {
  return meanings.find(([pattern]) => pattern.test(text))?.[1];
}
