import type { StoredSecret } from './secret.ts';

/** As DescribeSecret shows it; never with a value. */
export function describeView(secret: StoredSecret): Record<string, unknown> {
  return { ...commonView(secret), VersionIdsToStages: stagesById(secret) };
}

/** As ListSecrets shows it. */
export function listView(secret: StoredSecret): Record<string, unknown> {
  return { ...commonView(secret), SecretVersionsToStages: stagesById(secret) };
}

function stagesById({ versions }: StoredSecret): Record<string, readonly string[]> {
  return Object.fromEntries(versions.map(({ id, stages }) => [id, stages]));
}

function commonView(secret: StoredSecret): Record<string, unknown> {
  const { description, kmsKeyId, accessedAtMs, deletedAtMs } = secret;
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(description === undefined ? {} : { Description: description }),
    ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
    LastChangedDate: secret.changedAtMs / 1000,
    ...(accessedAtMs === undefined ? {} : { LastAccessedDate: startOfDaySeconds(accessedAtMs) }),
    ...(deletedAtMs === undefined ? {} : { DeletedDate: deletedAtMs / 1000 }),
    Tags: secret.tags,
    CreatedDate: secret.createdAtMs / 1000,
  };
}

/** The last access is told by the day. */
function startOfDaySeconds(ms: number): number {
  return Math.floor(ms / 86_400_000) * 86_400;
}
