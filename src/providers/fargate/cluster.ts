import { CodedError } from '../../support/errors.ts';
import type { CallOptions, EcsApi } from './ecs/ecs-api.ts';
import type { RoleAccount } from './resolve/task-role.ts';

/** The ECS cluster that the node's tasks run in. */
export class FargateCluster {
  readonly #ecs: EcsApi;
  readonly #name: string;
  readonly #tags: Readonly<Record<string, string>>;
  #arn: string | undefined;

  constructor(options: {
    readonly ecs: EcsApi;
    readonly name: string;
    readonly tags: Readonly<Record<string, string>>;
  }) {
    this.#ecs = options.ecs;
    this.#name = options.name;
    this.#tags = options.tags;
  }

  /** Makes sure that the cluster is there and active, and makes it where there is none. Gives its ARN. */
  async ensure(options: CallOptions): Promise<string> {
    const found = (await this.#ecs.findCluster(options)) ?? (await this.#ecs.createCluster(this.#tags, options));
    // A cluster is made in the background.
    if (found?.status !== 'ACTIVE' && found?.status !== 'PROVISIONING') {
      throw new CodedError(
        'Unavailable',
        `ECS cluster ${this.#name} is ${found?.status ?? 'not there'}: ${found?.statistics ?? ''}`,
      );
    }
    this.#arn = found.clusterArn ?? '';
    return this.#arn;
  }

  /** Whose cluster it is; known once it was seen. */
  get account(): RoleAccount {
    const [, partition = 'aws', , , accountId = ''] = (this.#arn ?? '').split(':');
    return { partition, accountId };
  }
}
