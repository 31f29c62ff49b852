import type { Clock } from '../../support/clock.ts';
import type { Account } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, type Output, operation } from '../protocol/operation.ts';
import type { Switches } from '../switches/switches.ts';
import { isLive, type Task } from '../tasks/task.ts';
import type { TaskManager } from '../tasks/task-manager.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { type Market, spread } from './capacity-providers.ts';
import type { Cluster, Clusters } from './clusters.ts';
import type { Definitions } from './definitions.ts';
import type { Idempotency } from './idempotency.ts';
import { newTask } from './new-task.ts';
import { checkRunTask, type RunTaskInput, runTaskSchema } from './run-task-input.ts';

const noCapacity = 'Capacity is unavailable at this time. Please try again later or in a different availability zone';

export interface RunTaskDeps {
  readonly account: Account;
  readonly clusters: Clusters;
  readonly definitions: Definitions;
  readonly tasks: TaskStore;
  readonly manager: TaskManager;
  readonly idempotency: Idempotency;
  readonly switches: Switches;
  readonly throttle: Throttle;
  readonly clock: Clock;
  readonly view: (task: Task) => Record<string, unknown>;
}

export function runTaskOperation(deps: RunTaskDeps): Operation {
  return operation('RunTask', runTaskSchema, (input) => runTask(input, deps));
}

/** Everything is decided and written before anything is waited for: two calls with one token cannot both run. */
function runTask(input: RunTaskInput, deps: RunTaskDeps): Output {
  const cluster = deps.clusters.get(input.cluster);
  const { clientToken, ...request } = input;
  const earlier = clientToken === undefined ? undefined : deps.idempotency.earlier(cluster.name, clientToken, request);
  if (earlier) {
    return { tasks: earlier.taskIds.flatMap((id) => viewIfKnown(id, deps)), failures: [] };
  }
  const definition = deps.definitions.find(input.taskDefinition);
  if (!definition) throw new AwsError('ClientException', 'TaskDefinition not found.');
  const { markets, byStrategy } = chooseMarkets(input, cluster);
  const network = checkRunTask(input, definition);
  for (const market of new Set(markets)) {
    deps.throttle.take(`launch-${market}`, markets.filter((it) => it === market).length);
  }
  const started: Task[] = [];
  for (const [index, market] of markets.entries()) {
    if (!hasRoom(market, deps)) continue;
    const nowMs = deps.clock.now();
    const context = { account: deps.account, cluster, definition, network, market, byStrategy, index, nowMs };
    const task = newTask(input, context);
    deps.tasks.add(task);
    started.push(task);
  }
  if (clientToken !== undefined && started.length > 0) {
    deps.idempotency.remember(cluster.name, clientToken, {
      request,
      taskIds: started.map(({ id }) => id),
      taskArns: started.map(({ arn }) => arn),
    });
  }
  for (const task of started) deps.manager.start(task);
  return {
    tasks: started.map((task) => ({ ...deps.view(task), tags: task.tags })),
    failures: started.length < markets.length ? [{ reason: noCapacity }] : [],
  };
}

function viewIfKnown(id: string, deps: RunTaskDeps): Record<string, unknown>[] {
  const task = deps.tasks.get(id);
  return task ? [{ ...deps.view(task), tags: task.tags }] : [];
}

/** The market of each task of the call: of the launch type, of the strategy, or of the cluster's own. */
function chooseMarkets(
  input: RunTaskInput,
  cluster: Cluster,
): { readonly markets: readonly Market[]; readonly byStrategy: boolean } {
  const strategy = input.capacityProviderStrategy ?? [];
  if (input.launchType !== undefined) {
    if (strategy.length > 0) {
      throw new AwsError(
        'InvalidParameterException',
        'Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.',
      );
    }
    if (input.launchType === 'FARGATE') return { markets: spread(onDemand, input.count), byStrategy: false };
    throw new AwsError('InvalidParameterException', 'No Container Instances were found in your cluster.');
  }
  const chosen = strategy.length > 0 ? strategy : cluster.defaultCapacityProviderStrategy;
  if (chosen.length === 0) {
    throw new AwsError('InvalidParameterException', 'No Container Instances were found in your cluster.');
  }
  if (chosen.some(({ capacityProvider }) => !cluster.capacityProviders.includes(capacityProvider))) {
    throw new AwsError(
      'InvalidParameterException',
      'The specified capacity provider strategy cannot contain a capacity provider that is not associated with the ' +
        'cluster. Associate the capacity provider with the cluster and try again.',
    );
  }
  return { markets: spread(chosen, input.count), byStrategy: true };
}

const onDemand = [{ capacityProvider: 'FARGATE', weight: 1, base: 0 }];

function hasRoom(market: Market, { switches, tasks }: RunTaskDeps): boolean {
  const most = switches.positions.capacity[market];
  if (most === null) return true;
  const live = tasks.values().filter((task) => task.market === market && isLive(task));
  return live.reduce((count) => count + 1, 0) < most;
}
