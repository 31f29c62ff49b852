import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import type { ECS } from '@aws-sdk/client-ecs';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import type { SQS } from '@aws-sdk/client-sqs';
import { CodedError } from '../../../support/errors.ts';
import type { FargateConfig } from '../config.ts';

export interface AwsClients {
  readonly ecs: ECS;
  readonly logs: CloudWatchLogs;
  readonly secrets: SecretsManager;
  readonly sqs: SQS;
}

/** Longer than SQS lets a receiver wait. */
const requestTimeoutMs = 30_000;
const connectionTimeoutMs = 5000;
/** Connections to each service. */
const mostSockets = 64;

/**
 * Clients of the SDK, which is loaded only here: nobody else needs it. Credentials come by its default chain
 * (environment, shared files, SSO, web identity, container and instance roles).
 */
export async function createClients({ region, endpoint }: FargateConfig): Promise<AwsClients> {
  const modules = await importSdk();
  const options = {
    region,
    ...(endpoint !== undefined && { endpoint }),
    // AwsCaller does that.
    maxAttempts: 1,
    requestHandler: {
      requestTimeout: requestTimeoutMs,
      connectionTimeout: connectionTimeoutMs,
      httpsAgent: { maxSockets: mostSockets },
      httpAgent: { maxSockets: mostSockets },
    },
  };
  return {
    ecs: new modules.ecs.ECS(options),
    logs: new modules.logs.CloudWatchLogs(options),
    secrets: new modules.secrets.SecretsManager(options),
    sqs: new modules.sqs.SQS(options),
  };
}

async function importSdk() {
  try {
    const [ecs, logs, secrets, sqs] = await Promise.all([
      import('@aws-sdk/client-ecs'),
      import('@aws-sdk/client-cloudwatch-logs'),
      import('@aws-sdk/client-secrets-manager'),
      import('@aws-sdk/client-sqs'),
    ]);
    return { ecs, logs, secrets, sqs };
  } catch (cause) {
    throw new CodedError(
      'InvalidInput',
      'the provider aws needs the AWS SDK, an optional dependency that was not installed: npm install @aws-sdk/client-ecs ' +
        '@aws-sdk/client-cloudwatch-logs @aws-sdk/client-secrets-manager @aws-sdk/client-sqs',
      { cause },
    );
  }
}

/** Closes idle connections. */
export function destroyClients({ ecs, logs, secrets, sqs }: AwsClients): void {
  for (const client of [ecs, logs, secrets, sqs]) client.destroy();
}
