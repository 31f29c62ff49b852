import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from './aws-error.ts';

/**
 * Reads who signed a request. The signature itself is not verified: any credentials are good here, but a request
 * without any is refused as AWS refuses it, and so is one that was signed for another region than the server's, whose
 * ARNs the caller would not expect.
 */
export function readCredential(headers: IncomingHttpHeaders, region: string): { readonly accessKeyId: string } {
  const match = /^AWS4-HMAC-SHA256 .*Credential=([^/,]+)\/\d{8}\/([^/,]+)\/[^/,]+\/aws4_request/.exec(
    headers.authorization ?? '',
  );
  if (!match) {
    throw new AwsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token', {
      httpStatus: 403,
    });
  }
  const [, accessKeyId = '', scope] = match;
  if (scope !== region) {
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region: this local Fargate is ${region}, the request is for ${scope}`,
      { httpStatus: 403 },
    );
  }
  return { accessKeyId };
}
