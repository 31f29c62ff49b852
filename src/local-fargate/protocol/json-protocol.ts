import type { Answer } from './answer.ts';
import { AwsError } from './aws-error.ts';
import type { Call, Operation, Service } from './operation.ts';
import { refusalOf } from './refusal.ts';

/** How a service speaks AWS JSON. */
export interface JsonService extends Service {
  /** What stands before the dot in `X-Amz-Target`. */
  readonly targetPrefix: string;
  readonly jsonVersion: '1.0' | '1.1';
  /** Before an error's name in `__type`: `com.amazonaws.sqs#`. */
  readonly errorNamespace?: string;
  /** The query protocol's name of an error, where SDKs still look for it (SQS). */
  readonly queryErrorCodes?: Readonly<Record<string, string>>;
}

/** Finds the operation of an `X-Amz-Target` among these services. */
export function findJsonOperation(
  services: readonly JsonService[],
  target: string,
): { readonly service: JsonService; readonly operation: Operation } | undefined {
  const dot = target.lastIndexOf('.');
  const service = services.find(({ targetPrefix }) => targetPrefix === target.slice(0, dot));
  const operation = service?.operations.find(({ name }) => name === target.slice(dot + 1));
  return service && operation ? { service, operation } : undefined;
}

/** Runs one call of AWS JSON 1.0 or 1.1, from its body to its answer. Never rejects. */
export async function answerJson(
  { service, operation }: { readonly service: JsonService; readonly operation: Operation },
  body: string,
  call: Call,
): Promise<Answer> {
  try {
    const output = await operation.answer(parseBody(body), call);
    return { status: 200, headers: contentType(service), body: JSON.stringify(output) };
  } catch (error) {
    const refusal = refusalOf(error, service);
    return { ...jsonRefusal(refusal, service), ...(refusal.httpStatus === 500 ? { failure: error } : {}) };
  }
}

/** The answer to a call of JSON that no operation was found for, or that came without credentials. */
export function jsonRefusal(refusal: AwsError, service?: JsonService): Answer {
  const queryCode = service?.queryErrorCodes?.[refusal.code];
  return {
    status: refusal.httpStatus,
    headers: {
      ...contentType(service),
      'x-amzn-errortype': refusal.code,
      ...(queryCode === undefined ? {} : { 'x-amzn-query-error': `${queryCode};Sender` }),
    },
    body: JSON.stringify({
      __type: `${service?.errorNamespace ?? ''}${refusal.code}`,
      message: refusal.message,
      ...refusal.fields,
    }),
    refusedWith: refusal.code,
  };
}

function contentType(service: JsonService | undefined): Record<string, string> {
  return { 'content-type': `application/x-amz-json-${service?.jsonVersion ?? '1.1'}` };
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body === '' ? '{}' : body) as unknown;
  } catch {
    throw new AwsError('SerializationException', 'The body is not JSON');
  }
}
