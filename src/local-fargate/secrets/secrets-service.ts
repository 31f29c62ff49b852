import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { JsonService } from '../protocol/json-protocol.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import { deletionOperations } from './deletion-operations.ts';
import { listSecrets } from './list-secrets.ts';
import type { SecretValue } from './secret.ts';
import type { SecretStore } from './secret-store.ts';
import { describeView } from './secret-view.ts';

const SecretId = z.string().min(1).max(2048);
const token = z.string().min(32).max(64).optional();
export const tagList = z.array(z.object({ Key: z.string().min(1).max(128), Value: z.string().max(256).default('') }));
const value = {
  SecretString: z.string().max(65_536).optional(),
  SecretBinary: z.string().optional(),
};

/** AWS Secrets Manager. */
export function secretsService(deps: { readonly store: SecretStore; readonly clock: Clock }): JsonService {
  return {
    name: 'secretsmanager',
    targetPrefix: 'secretsmanager',
    jsonVersion: '1.1',
    invalidInputCode: 'InvalidParameterException',
    operations: [
      ...valueOperations(deps),
      ...deletionOperations(deps),
      listSecrets(deps.store),
      ...tagOperations(deps),
    ],
  };
}

function valueOperations({ store, clock }: { readonly store: SecretStore; readonly clock: Clock }): Operation[] {
  const create = operation(
    'CreateSecret',
    z.object({
      Name: z.string().regex(/^[A-Za-z0-9/_+=.@!-]{1,512}$/, 'Invalid name.'),
      ClientRequestToken: token,
      Description: z.string().max(2048).optional(),
      KmsKeyId: z.string().optional(),
      Tags: tagList.default([]),
      ...value,
    }),
    (input) => {
      const existing = store.find(input.Name);
      if (existing?.deletedAtMs !== undefined) {
        throw new AwsError(
          'InvalidRequestException',
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
      }
      const given = givenValue(input);
      const repeated = existing?.versions.find(({ id }) => id === input.ClientRequestToken);
      if (existing && !repeated) {
        throw new AwsError(
          'ResourceExistsException',
          `The operation failed because the secret ${input.Name} already exists.`,
        );
      }
      const nowMs = clock.now();
      const secret =
        existing ??
        store.put({
          name: input.Name,
          arn: store.arnFor(input.Name),
          ...(input.Description === undefined ? {} : { description: input.Description }),
          ...(input.KmsKeyId === undefined ? {} : { kmsKeyId: input.KmsKeyId }),
          tags: input.Tags,
          versions: [],
          createdAtMs: nowMs,
          changedAtMs: nowMs,
        });
      if (!given) return { ARN: secret.arn, Name: secret.name };
      const { version } = store.putVersion(secret, {
        id: input.ClientRequestToken,
        value: given,
        stages: ['AWSCURRENT'],
      });
      return { ARN: secret.arn, Name: secret.name, VersionId: version.id };
    },
  );

  const get = operation(
    'GetSecretValue',
    z.object({ SecretId, VersionId: z.string().optional(), VersionStage: z.string().optional() }),
    (input) => {
      const secret = store.getUsable(input.SecretId);
      const version = store.version(secret, { id: input.VersionId, stage: input.VersionStage });
      store.put({ ...secret, accessedAtMs: clock.now() });
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: version.id,
        ...('string' in version.value
          ? { SecretString: version.value.string }
          : { SecretBinary: version.value.binaryBase64 }),
        VersionStages: version.stages,
        CreatedDate: version.createdAtMs / 1000,
      };
    },
  );

  const put = operation(
    'PutSecretValue',
    z.object({
      SecretId,
      ClientRequestToken: token,
      VersionStages: z.array(z.string()).min(1).max(20).default(['AWSCURRENT']),
      ...value,
    }),
    (input) => {
      const given = givenValue(input);
      if (!given)
        throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
      const { secret, version } = store.putVersion(store.getUsable(input.SecretId), {
        id: input.ClientRequestToken,
        value: given,
        stages: input.VersionStages,
      });
      return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: version.stages };
    },
  );

  const update = operation(
    'UpdateSecret',
    z.object({
      SecretId,
      ClientRequestToken: token,
      Description: z.string().max(2048).optional(),
      KmsKeyId: z.string().optional(),
      ...value,
    }),
    (input) => {
      const secret = store.put({
        ...store.getUsable(input.SecretId),
        ...(input.Description === undefined ? {} : { description: input.Description }),
        ...(input.KmsKeyId === undefined ? {} : { kmsKeyId: input.KmsKeyId }),
        changedAtMs: clock.now(),
      });
      const given = givenValue(input);
      if (!given) return { ARN: secret.arn, Name: secret.name };
      const { version } = store.putVersion(secret, {
        id: input.ClientRequestToken,
        value: given,
        stages: ['AWSCURRENT'],
      });
      return { ARN: secret.arn, Name: secret.name, VersionId: version.id };
    },
  );

  const describe = operation('DescribeSecret', z.object({ SecretId }), (input) =>
    describeView(store.get(input.SecretId)),
  );

  return [create, get, put, update, describe];
}

function tagOperations({ store }: { readonly store: SecretStore }): Operation[] {
  return [
    operation('TagResource', z.object({ SecretId, Tags: tagList }), (input) => {
      const secret = store.getUsable(input.SecretId);
      const tags = new Map([...secret.tags, ...input.Tags].map(({ Key, Value }) => [Key, Value]));
      store.put({ ...secret, tags: [...tags].map(([Key, Value]) => ({ Key, Value })) });
      return {};
    }),
    operation('UntagResource', z.object({ SecretId, TagKeys: z.array(z.string()) }), (input) => {
      const secret = store.getUsable(input.SecretId);
      store.put({ ...secret, tags: secret.tags.filter(({ Key }) => !input.TagKeys.includes(Key)) });
      return {};
    }),
  ];
}

function givenValue(input: {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}): SecretValue | undefined {
  if (input.SecretString !== undefined && input.SecretBinary !== undefined) {
    throw new AwsError('InvalidParameterException', 'You must provide either SecretString or SecretBinary, not both.');
  }
  if (input.SecretString !== undefined) return { string: input.SecretString };
  return input.SecretBinary === undefined ? undefined : { binaryBase64: input.SecretBinary };
}
