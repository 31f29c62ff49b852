import { z } from 'zod';
import { AwsError } from './aws-error.ts';
import type { Service } from './operation.ts';

/** What to answer for anything that an operation threw. `InternalFailure` is a defect of ours. */
export function refusalOf(error: unknown, service: Service): AwsError {
  if (error instanceof AwsError) return error;
  if (error instanceof z.ZodError) return new AwsError(service.invalidInputCode, wordsOf(error));
  return new AwsError('InternalFailure', 'The request processing has failed because of an unknown error.', {
    httpStatus: 500,
  });
}

/** Each problem with its path: `containerDefinitions.0.name: …`. */
function wordsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}
