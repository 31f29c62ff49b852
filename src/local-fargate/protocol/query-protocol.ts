import { randomUUID } from 'node:crypto';
import type { Answer } from './answer.ts';
import type { AwsError } from './aws-error.ts';
import type { Call, Operation, Service } from './operation.ts';
import { refusalOf } from './refusal.ts';
import { escapeXml, toXml } from './xml.ts';

/** How a service speaks the query protocol (STS) or EC2's own. */
export interface QueryService extends Service {
  readonly version: string;
  readonly dialect: 'query' | 'ec2';
}

/** Finds the operation of a form's `Action` and `Version`. */
export function findQueryOperation(
  services: readonly QueryService[],
  form: URLSearchParams,
): { readonly service: QueryService; readonly operation: Operation } | undefined {
  const service = services.find(({ version }) => version === form.get('Version'));
  const operation = service?.operations.find(({ name }) => name === form.get('Action'));
  return service && operation ? { service, operation } : undefined;
}

/** Runs one call of the query protocol, from its form to its XML. Never rejects. */
export async function answerQuery(
  { service, operation }: { readonly service: QueryService; readonly operation: Operation },
  form: URLSearchParams,
  call: Call,
): Promise<Answer> {
  try {
    const output = await operation.answer(Object.fromEntries(form), call);
    return { status: 200, headers: xmlType, body: wrap(service, operation.name, output) };
  } catch (error) {
    const refusal = refusalOf(error, service);
    return { ...queryRefusal(refusal, service.dialect), ...(refusal.httpStatus === 500 ? { failure: error } : {}) };
  }
}

const xmlType = { 'content-type': 'text/xml;charset=UTF-8' };

function wrap(service: QueryService, name: string, output: Readonly<Record<string, unknown>>): string {
  if (service.dialect === 'ec2') {
    const members = toXml({ requestId: randomUUID(), ...output }, 'item');
    return `<${name}Response xmlns="http://ec2.amazonaws.com/doc/${service.version}/">${members}</${name}Response>`;
  }
  const result = `<${name}Result>${toXml(output, 'member')}</${name}Result>`;
  const metadata = toXml({ ResponseMetadata: { RequestId: randomUUID() } }, 'member');
  return `<${name}Response xmlns="https://sts.amazonaws.com/doc/${service.version}/">${result}${metadata}</${name}Response>`;
}

export function queryRefusal(refusal: AwsError, dialect: QueryService['dialect']): Answer {
  const error = `<Code>${escapeXml(refusal.code)}</Code><Message>${escapeXml(refusal.message)}</Message>`;
  const requestId = randomUUID();
  return {
    status: refusal.httpStatus,
    headers: xmlType,
    body:
      dialect === 'ec2'
        ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>${requestId}</RequestID></Response>`
        : `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
    refusedWith: refusal.code,
  };
}
