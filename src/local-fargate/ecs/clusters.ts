import { z } from 'zod';
import { type Account, clusterArn, nameOf } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import { paginate } from '../protocol/paging.ts';
import type { Collection } from '../store/collection.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { strategySchema } from './capacity-providers.ts';
import { type Tag, tagsSchema } from './tags.ts';

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  readonly status: 'ACTIVE' | 'INACTIVE';
  readonly settings: readonly { readonly name?: string | undefined; readonly value?: string | undefined }[];
  readonly capacityProviders: readonly string[];
  readonly defaultCapacityProviderStrategy: z.output<typeof strategySchema>;
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly tags: readonly Tag[];
}

const defaultName = 'default';
const providerNames = z.array(
  z.enum(['FARGATE', 'FARGATE_SPOT'], { error: 'The specified capacity provider does not exist.' }),
);

/** The clusters of the account. */
export class Clusters {
  readonly #clusters: Collection<Cluster>;
  readonly #account: Account;

  constructor(clusters: Collection<Cluster>, account: Account) {
    this.#clusters = clusters;
    this.#account = account;
  }

  /** By name or ARN; `default` where none is said. Undefined where there never was such a cluster. */
  find(nameOrArn = defaultName): Cluster | undefined {
    const cluster = this.#clusters.get(nameOf(nameOrArn, 'cluster'));
    return nameOrArn.startsWith('arn:') && cluster?.arn !== nameOrArn ? undefined : cluster;
  }

  /** An active cluster; throws `ClusterNotFoundException` for any other. */
  get(nameOrArn?: string): Cluster {
    const cluster = this.find(nameOrArn);
    if (!cluster) throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
    if (cluster.status === 'INACTIVE') {
      throw new AwsError('ClusterNotFoundException', 'The referenced cluster was inactive.');
    }
    return cluster;
  }

  put(cluster: Cluster): Cluster {
    this.#clusters.set(cluster.name, cluster);
    return cluster;
  }

  active(): readonly Cluster[] {
    return [...this.#clusters.values().filter(({ status }) => status === 'ACTIVE')].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  }

  arnOf(nameOrArn: string): string {
    return nameOrArn.startsWith('arn:') ? nameOrArn : clusterArn(this.#account, nameOrArn);
  }
}

const settings = z.array(z.object({ name: z.string().optional(), value: z.string().optional() }));
const include = z.array(z.enum(['ATTACHMENTS', 'CONFIGURATIONS', 'SETTINGS', 'STATISTICS', 'TAGS']));
type Include = z.output<typeof include>[number];

export function clusterOperations(deps: {
  readonly clusters: Clusters;
  readonly tasks: TaskStore;
  readonly throttle: Throttle;
  readonly account: Account;
}): readonly Operation[] {
  const { clusters, tasks, throttle, account } = deps;
  const everything: readonly Include[] = ['CONFIGURATIONS', 'SETTINGS', 'TAGS'];
  const view = (cluster: Cluster, included: readonly Include[]): Record<string, unknown> =>
    clusterView(cluster, { tasks, included });

  const create = operation(
    'CreateCluster',
    z.object({
      clusterName: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,255}$/, 'Invalid cluster name.')
        .default(defaultName),
      tags: tagsSchema.default([]),
      settings: settings.default([]),
      capacityProviders: providerNames.default([]),
      defaultCapacityProviderStrategy: strategySchema.default([]),
      configuration: z.record(z.string(), z.unknown()).optional(),
    }),
    ({ clusterName: name, configuration, ...rest }) => {
      const existing = clusters.find(name);
      if (existing?.status === 'ACTIVE') return { cluster: view(existing, everything) };
      const cluster = clusters.put({
        ...rest,
        name,
        arn: clusterArn(account, name),
        status: 'ACTIVE',
        settings: rest.settings.length > 0 ? rest.settings : [{ name: 'containerInsights', value: 'disabled' }],
        ...(configuration === undefined ? {} : { configuration }),
      });
      return { cluster: view(cluster, everything) };
    },
  );

  const describe = operation(
    'DescribeClusters',
    z.object({ clusters: z.array(z.string()).max(100).default([defaultName]), include: include.default([]) }),
    ({ clusters: names, include: included }) => {
      const found = names.map((name) => [name, clusters.find(name)] as const);
      return {
        clusters: found.flatMap(([, cluster]) => (cluster ? [view(cluster, included)] : [])),
        failures: found.flatMap(([name, cluster]) =>
          cluster ? [] : [{ arn: clusters.arnOf(name), reason: 'MISSING' }],
        ),
      };
    },
  );

  const list = operation(
    'ListClusters',
    z.object({ nextToken: z.string().optional(), maxResults: z.number().int().min(1).max(100).optional() }),
    (request) => {
      const { items, ...rest } = paginate(clusters.active(), ({ name }) => name, request);
      return { clusterArns: items.map(({ arn }) => arn), ...rest };
    },
  );

  const remove = operation('DeleteCluster', z.object({ cluster: z.string() }), ({ cluster: name }) => {
    const cluster = clusters.get(name);
    if (tasks.values().some((task) => task.cluster === cluster.name && task.status !== 'STOPPED')) {
      throw new AwsError('ClusterContainsTasksException', 'The Cluster cannot be deleted while Tasks are active.');
    }
    return { cluster: view(clusters.put({ ...cluster, status: 'INACTIVE' }), everything) };
  });

  const putProviders = operation(
    'PutClusterCapacityProviders',
    z.object({
      cluster: z.string(),
      capacityProviders: providerNames,
      defaultCapacityProviderStrategy: strategySchema,
    }),
    ({ cluster: name, ...change }) => {
      const cluster = clusters.get(name);
      const unknown = change.defaultCapacityProviderStrategy.find(
        ({ capacityProvider }) => !change.capacityProviders.some((known) => known === capacityProvider),
      );
      if (unknown) {
        throw new AwsError(
          'InvalidParameterException',
          'The specified capacity provider strategy cannot contain a capacity provider that is not associated with ' +
            'the cluster. Associate the capacity provider with the cluster and try again.',
        );
      }
      return { cluster: view(clusters.put({ ...cluster, ...change }), everything) };
    },
  );

  return [
    throttle.limit('cluster-modify', create),
    throttle.limit('cluster-read', describe),
    throttle.limit('cluster-read', list),
    throttle.limit('cluster-modify', remove),
    throttle.limit('cluster-modify', putProviders),
  ];
}

function clusterView(
  cluster: Cluster,
  { tasks, included }: { readonly tasks: TaskStore; readonly included: readonly Include[] },
): Record<string, unknown> {
  const own = [...tasks.values().filter((task) => task.cluster === cluster.name && task.status !== 'STOPPED')];
  const running = own.filter(({ status }) => status === 'RUNNING').length;
  const pending = own.filter(({ status }) => ['PROVISIONING', 'PENDING', 'ACTIVATING'].includes(status)).length;
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: 0,
    runningTasksCount: running,
    pendingTasksCount: pending,
    activeServicesCount: 0,
    statistics: included.includes('STATISTICS') ? statistics(running, pending) : [],
    tags: included.includes('TAGS') ? cluster.tags : [],
    settings: included.includes('SETTINGS') ? cluster.settings : [],
    capacityProviders: cluster.capacityProviders,
    defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy,
    ...(included.includes('CONFIGURATIONS') && cluster.configuration ? { configuration: cluster.configuration } : {}),
  };
}

function statistics(running: number, pending: number): readonly { readonly name: string; readonly value: string }[] {
  return [
    { name: 'runningEC2TasksCount', value: '0' },
    { name: 'runningFargateTasksCount', value: String(running) },
    { name: 'pendingEC2TasksCount', value: '0' },
    { name: 'pendingFargateTasksCount', value: String(pending) },
  ];
}
