import { messageOf } from '../../support/errors.ts';
import type { Secret } from '../ecs/container-definition.ts';
import { TaskFailure } from './task-failure.ts';

/** Where values of secrets come from. Both throw an `AwsError` where there is none. */
export interface SecretSources {
  /** The value of a Secrets Manager secret by its ARN. */
  secretValue(arn: string, version: { readonly stage?: string; readonly id?: string }): string;
  /** The value of a parameter by its ARN or name. */
  parameterValue(arnOrName: string): string;
}

/** Variables with the values of these secrets. Throws a `TaskFailure` in Fargate's words. */
export function resolveSecrets(secrets: readonly Secret[], sources: SecretSources): Readonly<Record<string, string>> {
  return Object.fromEntries(secrets.map(({ name, valueFrom }) => [name, readValue(valueFrom, sources)]));
}

/** `arn:aws:secretsmanager:region:account:secret:name[:json-key[:version-stage[:version-id]]]`, or a parameter. */
function readValue(valueFrom: string, sources: SecretSources): string {
  const parts = valueFrom.split(':');
  if (parts[2] !== 'secretsmanager') {
    return fetchOrFail('ssm', valueFrom, () => sources.parameterValue(valueFrom));
  }
  const arn = parts.slice(0, 7).join(':');
  const [jsonKey = '', stage = '', id = ''] = parts.slice(7);
  const version = { ...(stage === '' ? {} : { stage }), ...(id === '' ? {} : { id }) };
  const whole = fetchOrFail('asm', arn, () => sources.secretValue(arn, version));
  return jsonKey === '' ? whole : jsonMember(whole, { arn, jsonKey });
}

function fetchOrFail(kind: 'asm' | 'ssm', from: string, fetch: () => string): string {
  try {
    return fetch();
  } catch (cause) {
    const secret = kind === 'asm' ? 'secret from asm' : 'secrets from ssm';
    throw new TaskFailure(
      'ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ' +
        `unable to retrieve ${secret}: service call has been retried 1 time(s): failed to fetch ${from}: ` +
        messageOf(cause),
      { cause },
    );
  }
}

function jsonMember(text: string, { arn, jsonKey }: { readonly arn: string; readonly jsonKey: string }): string {
  const problem = (what: string): TaskFailure =>
    new TaskFailure(
      'ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ' +
        `unable to retrieve secret from asm: ${what} (secret ${arn}, key ${jsonKey})`,
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not the parser's message: it quotes the value.
    throw problem('the secret is not JSON');
  }
  const value =
    typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>)[jsonKey] : undefined;
  if (value === undefined) throw problem('retrieved secret does not contain the key');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
