import type { Cluster, ECS, RegisterTaskDefinitionRequest, RunTaskRequest, TaskDefinition } from '@aws-sdk/client-ecs';
import { CodedError, hasCode } from '../../../support/errors.ts';
import { isCapacity } from '../aws/aws-error.ts';
import type { BudgetName, Budgets } from '../aws/budgets.ts';
import type { AwsCaller } from '../aws/caller.ts';
import { type EcsTask, readTask } from './ecs-task.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

/** What RunTask says. */
export type RunTaskAnswer =
  | { readonly kind: 'task'; readonly task: EcsTask }
  /** The token was used before, for another request: these tasks are what came of it. */
  | { readonly kind: 'used'; readonly taskArns: readonly string[] }
  /** The call was sent and ECS neither ran nor refused it: there may be a task. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** The definition is not there any more, or inactive. */
  | { readonly kind: 'no-definition' };

/** Most that DescribeTasks takes. */
export const describeLimit = 100;

/** The operations of ECS that we need, within its budgets, in our own types. */
export class EcsApi {
  readonly #ecs: ECS;
  readonly #cluster: string;
  readonly #budgets: Budgets;
  readonly #caller: AwsCaller;

  constructor(options: {
    readonly ecs: ECS;
    readonly cluster: string;
    readonly budgets: Budgets;
    readonly caller: AwsCaller;
  }) {
    this.#ecs = options.ecs;
    this.#cluster = options.cluster;
    this.#budgets = options.budgets;
    this.#caller = options.caller;
  }

  /** The cluster; undefined where there is none, or was one. */
  async findCluster(options: CallOptions): Promise<Cluster | undefined> {
    const { clusters = [] } = await this.#call(
      `cannot read cluster ${this.#cluster}`,
      ['clusterReads'],
      options,
      (http) => this.#ecs.describeClusters({ clusters: [this.#cluster] }, http),
    );
    return clusters.find(({ status }) => status !== 'INACTIVE');
  }

  /** Makes the cluster, with both of Fargate's capacity providers. One that is there already is taken as it is. */
  async createCluster(tags: Readonly<Record<string, string>>, options: CallOptions): Promise<Cluster | undefined> {
    const input = {
      clusterName: this.#cluster,
      capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
      tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    };
    const { cluster } = await this.#call(
      `cannot create cluster ${this.#cluster}`,
      ['clusterChanges'],
      options,
      (http) => this.#ecs.createCluster(input, http),
    );
    return cluster;
  }

  /** The newest active revision of a family; undefined where it has none. */
  async findDefinition(family: string, options: CallOptions): Promise<TaskDefinition | undefined> {
    try {
      const { taskDefinition } = await this.#call(
        `cannot read task definition ${family}`,
        ['definitionReads'],
        options,
        (http) => this.#ecs.describeTaskDefinition({ taskDefinition: family }, http),
      );
      return taskDefinition?.status === 'ACTIVE' ? taskDefinition : undefined;
    } catch (error) {
      // ECS has no code of its own for that.
      if (hasCode(error, 'InvalidInput')) return undefined;
      throw error;
    }
  }

  /** The new revision's ARN. `InvalidInput` where ECS finds fault with the definition. */
  async registerDefinition(definition: RegisterTaskDefinitionRequest, options: CallOptions): Promise<string> {
    const { taskDefinition } = await this.#call(
      'cannot register the task definition',
      ['definitionChanges'],
      options,
      (http) => this.#ecs.registerTaskDefinition(definition, http),
    );
    return taskDefinition?.taskDefinitionArn ?? '';
  }

  /** Families of a prefix that have active revisions, or inactive ones alone. */
  async listFamilies(familyPrefix: string, status: 'ACTIVE' | 'INACTIVE', options: CallOptions): Promise<string[]> {
    return this.#pages('cannot list task definitions', ['definitionReads'], options, async (nextToken, http) => {
      const answer = await this.#ecs.listTaskDefinitionFamilies(
        { familyPrefix, status, maxResults: 100, nextToken },
        http,
      );
      return { items: answer.families, nextToken: answer.nextToken };
    });
  }

  /** ARNs of a family's revisions. */
  async listRevisions(family: string, status: 'ACTIVE' | 'INACTIVE', options: CallOptions): Promise<string[]> {
    return this.#pages('cannot list task definitions', ['definitionReads'], options, async (nextToken, http) => {
      const input = { familyPrefix: family, status, maxResults: 100, nextToken };
      const answer = await this.#ecs.listTaskDefinitions(input, http);
      return { items: answer.taskDefinitionArns, nextToken: answer.nextToken };
    });
  }

  async deregisterDefinition(arn: string, options: CallOptions): Promise<void> {
    await this.#call(`cannot deregister ${arn}`, ['definitionChanges'], options, (http) =>
      this.#ecs.deregisterTaskDefinition({ taskDefinition: arn }, http),
    );
  }

  /** Deletes inactive revisions, ten at most. */
  async deleteDefinitions(arns: readonly string[], options: CallOptions): Promise<void> {
    await this.#call('cannot delete task definitions', ['definitionDeletions'], options, (http) =>
      this.#ecs.deleteTaskDefinitions({ taskDefinitions: [...arns] }, http),
    );
  }

  /** Starts one task. `Capacity` where Fargate has no room; everything else that it refuses and may pass is `Unavailable`. */
  async runTask(input: RunTaskRequest, options: CallOptions): Promise<RunTaskAnswer> {
    const isSpot = input.capacityProviderStrategy?.some(({ capacityProvider }) => capacityProvider === 'FARGATE_SPOT');
    const launches = isSpot ? 'spotLaunches' : 'onDemandLaunches';
    let isLost = false;
    try {
      const { tasks = [], failures = [] } = await this.#call(
        'cannot run the task',
        ['taskChanges', launches],
        options,
        async (http) => {
          isLost = false;
          try {
            return await this.#ecs.runTask(input, http);
          } catch (error) {
            isLost = !isRefusal(error);
            throw error;
          }
        },
      );
      const [task] = tasks;
      if (task !== undefined) return { kind: 'task', task: readTask(task) };
      // Neither task nor failure: what this token started is so long gone that ECS has forgotten it.
      if (failures.length === 0) return { kind: 'used', taskArns: [] };
      throw failed(failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': ')).join('; '));
    } catch (error) {
      return isLost ? { kind: 'lost', error } : answerOf(error);
    }
  }

  /** Asks ECS to stop a task; gives it as it is then, or undefined where ECS knows no such task. */
  async stopTask(arn: string, reason: string, options: CallOptions): Promise<EcsTask | undefined> {
    try {
      const { task } = await this.#call('cannot stop the task', ['taskChanges'], options, (http) =>
        this.#ecs.stopTask({ cluster: this.#cluster, task: arn, reason }, http),
      );
      return task && readTask(task);
    } catch (error) {
      if (hasCode(error, 'InvalidInput') || hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** The tasks of these ARNs, `describeLimit` at most, but for those that ECS does not know. */
  async describeTasks(arns: readonly string[], options: CallOptions): Promise<readonly EcsTask[]> {
    const { tasks = [] } = await this.#call('cannot read tasks', ['taskReads'], options, (http) =>
      this.#ecs.describeTasks({ cluster: this.#cluster, tasks: [...arns] }, http),
    );
    return tasks.map(readTask);
  }

  /** ARNs of the tasks that were started in this name and should run. ECS takes no other filter beside it. */
  async listTasksStartedBy(startedBy: string, options: CallOptions): Promise<string[]> {
    return this.#pages('cannot list tasks', ['taskReads'], options, async (nextToken, http) => {
      const input = { cluster: this.#cluster, startedBy, maxResults: 100, nextToken };
      const answer = await this.#ecs.listTasks(input, http);
      return { items: answer.taskArns, nextToken: answer.nextToken };
    });
  }

  /** ARNs of all tasks of the cluster that should run, or should not any more. */
  async listTasks(desiredStatus: 'RUNNING' | 'STOPPED', options: CallOptions): Promise<string[]> {
    return this.#pages('cannot list tasks', ['taskReads'], options, async (nextToken, http) => {
      const input = { cluster: this.#cluster, desiredStatus, maxResults: 100, nextToken };
      const answer = await this.#ecs.listTasks(input, http);
      return { items: answer.taskArns, nextToken: answer.nextToken };
    });
  }

  #call<T>(
    what: string,
    budgets: readonly BudgetName[],
    { signal }: CallOptions,
    send: (http: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return this.#caller.call({ what, buckets: budgets.map((name) => this.#budgets[name]), signal }, send);
  }

  async #pages(
    what: string,
    budgets: readonly BudgetName[],
    options: CallOptions,
    read: (
      nextToken: string | undefined,
      http: { readonly abortSignal: AbortSignal },
    ) => Promise<{ readonly items: readonly string[] | undefined; readonly nextToken: string | undefined }>,
  ): Promise<string[]> {
    const all: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#call(what, budgets, options, (http) => read(nextToken, http));
      all.push(...(page.items ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
    return all;
  }
}

/** Whether the service itself said no, which leaves nothing behind. */
function isRefusal(error: unknown): boolean {
  const { $metadata } = (error ?? {}) as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  return status >= 400 && status < 500;
}

/** What came of a RunTask that was refused. */
function answerOf(error: unknown): RunTaskAnswer {
  if (hasCode(error, 'Conflict')) return { kind: 'used', taskArns: resourceIds(error.cause) };
  if (!hasCode(error, 'InvalidInput')) throw error;
  if (/TaskDefinition (is inactive|not found)/i.test(String((error.cause as Error | undefined)?.message))) {
    return { kind: 'no-definition' };
  }
  // Most of what ECS finds fault with here is the configuration's: subnets, roles, capacity providers.
  throw new CodedError('Unavailable', error.message, { cause: error.cause, reason: 'RunTaskRefused' });
}

function failed(reason: string): CodedError {
  return isCapacity(reason)
    ? new CodedError('Capacity', `Fargate has no room for the task: ${reason}`, { reason: 'CapacityUnavailable' })
    : new CodedError('Unavailable', `ECS did not run the task: ${reason}`, { reason: 'RunTaskFailed' });
}

function resourceIds(cause: unknown): string[] {
  const { resourceIds: ids } = (cause ?? {}) as { readonly resourceIds?: unknown };
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}
