import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AwsError } from '../protocol/aws-error.ts';
import type { JsonService } from '../protocol/json-protocol.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import type { Parameter, ParameterStore } from './parameter-store.ts';

const Name = z.string().min(1).max(2048);
const WithDecryption = z.boolean().default(false);

/** Systems Manager: its parameters, and what else there is of it. */
export function parametersService(store: ParameterStore, others: readonly Operation[]): JsonService {
  return {
    name: 'ssm',
    targetPrefix: 'AmazonSSM',
    jsonVersion: '1.1',
    invalidInputCode: 'ValidationException',
    operations: [
      ...others,
      operation(
        'PutParameter',
        z.object({
          Name: z.string().regex(/^[A-Za-z0-9_.\-/]{1,1011}$/, 'Parameter name contains invalid characters.'),
          Value: z.string().min(1).max(8192),
          Type: z.enum(['String', 'StringList', 'SecureString']).optional(),
          Overwrite: z.boolean().default(false),
        }),
        (input) => {
          const type = input.Type ?? store.find(input.Name)?.type;
          if (type === undefined) {
            throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.');
          }
          const change = { name: input.Name, value: input.Value, type };
          return { Version: store.put(change, { overwrite: input.Overwrite }).version, Tier: 'Standard' };
        },
      ),
      operation('GetParameter', z.object({ Name, WithDecryption }), (input) => ({
        Parameter: view(store.get(input.Name), { store, decrypt: input.WithDecryption }),
      })),
      operation('GetParameters', z.object({ Names: z.array(Name).min(1).max(10), WithDecryption }), (input) => {
        const found = input.Names.map((name) => ({ name, parameter: store.find(name) }));
        return {
          Parameters: found.flatMap(({ parameter }) =>
            parameter ? [view(parameter, { store, decrypt: input.WithDecryption })] : [],
          ),
          InvalidParameters: found.flatMap(({ name, parameter }) => (parameter ? [] : [name])),
        };
      }),
      operation('DeleteParameter', z.object({ Name }), (input) => {
        if (!store.delete(input.Name)) {
          throw new AwsError('ParameterNotFound', `Parameter ${input.Name} not found.`);
        }
        return {};
      }),
      operation('DeleteParameters', z.object({ Names: z.array(Name).min(1).max(10) }), (input) => {
        const deleted = input.Names.filter((name) => store.delete(name));
        return {
          DeletedParameters: deleted,
          InvalidParameters: input.Names.filter((name) => !deleted.includes(name)),
        };
      }),
    ],
  };
}

function view(
  parameter: Parameter,
  { store, decrypt }: { readonly store: ParameterStore; readonly decrypt: boolean },
): Record<string, unknown> {
  const hidden = parameter.type === 'SecureString' && !decrypt;
  return {
    Name: parameter.name,
    Type: parameter.type,
    Value: hidden ? cipherText(parameter) : parameter.value,
    Version: parameter.version,
    LastModifiedDate: parameter.changedAtMs / 1000,
    ARN: store.arnFor(parameter.name),
    DataType: 'text',
  };
}

/** Something that stands for the encrypted value: the same for the same version, and of no use. */
function cipherText({ name, version }: Parameter): string {
  return createHash('sha512').update(`${name}:${version}`).digest('base64');
}
