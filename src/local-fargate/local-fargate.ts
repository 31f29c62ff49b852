import { randomUUID } from 'node:crypto';
import { LibpodRuntime } from '../runtime/libpod/libpod-runtime.ts';
import { CgroupUsage } from '../runtime/libpod/usage/cgroup-usage.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ContainerSessions } from '../runtime/sessions.ts';
import type { UsageSource } from '../runtime/usage.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Account } from './account.ts';
import { Clusters } from './ecs/clusters.ts';
import { Definitions } from './ecs/definitions.ts';
import { ecsService } from './ecs/ecs-service.ts';
import { Idempotency } from './ecs/idempotency.ts';
import { taskStateChange } from './events/task-events.ts';
import { ExecSessions } from './exec/exec-sessions.ts';
import { sessionOperations } from './exec/session-operations.ts';
import { stsService } from './identity/sts-service.ts';
import { LogShipper } from './logs/log-shipper.ts';
import { LogStore } from './logs/log-store.ts';
import { logsService } from './logs/logs-service.ts';
import { ContainerStats } from './metadata/container-stats.ts';
import { MetadataServer } from './metadata/metadata-server.ts';
import { findTaskMetadata } from './metadata/task-metadata.ts';
import { ec2Service } from './network/ec2-service.ts';
import type { LocalFargateOptions } from './options.ts';
import { ParameterStore } from './parameters/parameter-store.ts';
import { parametersService } from './parameters/parameters-service.ts';
import { AwsServer } from './protocol/server.ts';
import { QueueStore } from './queues/queue-store.ts';
import { queuesService } from './queues/queues-service.ts';
import { SecretStore } from './secrets/secret-store.ts';
import { secretsService } from './secrets/secrets-service.ts';
import { Collection } from './store/collection.ts';
import { openDatabase } from './store/database.ts';
import { adminRoute } from './switches/admin-routes.ts';
import { CallCounts } from './switches/call-counts.ts';
import { Switches } from './switches/switches.ts';
import { Images } from './tasks/images.ts';
import { TaskManager } from './tasks/task-manager.ts';
import { TaskStore } from './tasks/task-store.ts';
import { epochSeconds, taskView } from './tasks/task-view.ts';
import { Throttle } from './throttle/throttle.ts';

/** How often what has had its time is removed: stopped tasks, old tokens, expired logs, secrets and messages. */
const sweepMs = 60_000;

export interface LocalFargateDeps {
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface RunningLocalFargate {
  /** What AWS_ENDPOINT_URL is set to. */
  readonly endpoint: string;
  /** Resolves when everything has ended after the signal aborted. Tasks run on; the next start finds them again. */
  readonly done: Promise<void>;
}

/** `virtual-kubelet local-fargate`: serves until the signal aborts. */
export async function runLocalFargate(options: LocalFargateOptions, deps: LocalFargateDeps): Promise<void> {
  const runtime = new LibpodRuntime({ socketPath: options.podmanSocket, clock: deps.clock, log: deps.log });
  const usage = new CgroupUsage({ clock: deps.clock });
  const { endpoint, done } = await startLocalFargate(options, { ...deps, runtime, sessions: runtime, usage });
  deps.log.info(`local Fargate serves the AWS APIs of ${options.region} at ${endpoint}`);
  await done;
}

/**
 * Starts on any runtime. Rejects with `InvalidInput` where the address or the state folder cannot be had, and with the
 * runtime's error where it does not answer.
 */
export async function startLocalFargate(
  options: LocalFargateOptions,
  deps: LocalFargateDeps & {
    readonly runtime: Runtime;
    readonly sessions: ContainerSessions;
    readonly usage: UsageSource;
  },
): Promise<RunningLocalFargate> {
  const { clock, log, runtime, usage, signal } = deps;
  const account: Account = { accountId: options.accountId, region: options.region };
  const database = openDatabase(options.stateDir);
  const collection = <T>(name: string): Collection<T> => new Collection<T>(database, name);

  const switches = new Switches(options.switches);
  const throttle = new Throttle({ clock, factor: () => switches.positions.throttling });

  const clusters = new Clusters(collection('cluster'), account);
  const definitions = new Definitions(
    { definitions: collection('task-definition'), revisions: collection('family-revision') },
    { account, clock },
  );
  const tasks = new TaskStore(collection('task'), { clock, log });
  const idempotency = new Idempotency(collection('client-token'), clock);
  const logStore = new LogStore(
    database,
    { groups: collection('log-group'), streams: collection('log-stream') },
    clock,
  );
  const secretStore = new SecretStore(collection('secret'), { account, clock });
  const parameterStore = new ParameterStore(collection('parameter'), { account, clock });
  const queueStore = new QueueStore({ queues: collection('queue'), messages: collection('message') }, clock);
  const findDefinition = definitions.get.bind(definitions);

  const shipper = new LogShipper({ store: logStore, positions: collection('log-position'), runtime, clock, log });
  const instance = instanceId(collection('instance'));
  const stats = new ContainerStats({ usage, clock });
  const metadata = new MetadataServer({
    ports: collection('metadata-port'),
    log,
    find: findTaskMetadata({ tasks, findDefinition, region: account.region, instance, runtime, stats }),
  });
  const manager = new TaskManager({
    account,
    instance,
    stateDir: options.stateDir,
    runtime,
    tasks,
    findDefinition,
    images: new Images(runtime, { clock, log }),
    secrets: {
      secretValue: (arn, version) => secretStore.text(arn, version),
      parameterValue: (name) => parameterStore.get(name).value,
    },
    logs: shipper,
    metadata,
    switches,
    clock,
    log,
  });

  if (options.eventQueue !== undefined) {
    const queueName = options.eventQueue;
    if (!queueStore.find(queueName)) queueStore.create(queueName, {}, {});
    tasks.onChange((task) => {
      const queue = queueStore.find(queueName);
      const definition = findDefinition(task.family, task.revision);
      if (queue) queueStore.send(queue, JSON.stringify(taskStateChange(task, { definition, account })));
    });
  }

  const sessions = new ExecSessions({ containers: deps.sessions, clock, log, signal });
  const jsonServices = [
    ecsService({
      account,
      clusters,
      definitions,
      tasks,
      manager,
      sessions,
      idempotency,
      switches,
      throttle,
      clock,
      rules: { allowTmpfs: options.allowTmpfs },
      view: (task) =>
        taskView(task, { definition: findDefinition(task.family, task.revision), account, time: epochSeconds }),
    }),
    logsService({ store: logStore, database, account, clock }),
    secretsService({ store: secretStore, clock }),
    parametersService(parameterStore, sessionOperations(sessions)),
    queuesService({ store: queueStore, account }),
  ];
  const queryServices = [stsService(account), ec2Service({ tasks, account })];
  const calls = new CallCounts(
    [...jsonServices, ...queryServices].flatMap((service) =>
      service.operations.map((operation) => `${service.name}:${operation.name}`),
    ),
  );
  const server = new AwsServer({
    region: account.region,
    jsonServices,
    queryServices,
    sideRoute: adminRoute({ switches, manager, calls }),
    upgrade: sessions.accept.bind(sessions),
    onCall: (operation, refusedWith) => calls.count(operation, refusedWith),
    log,
  });

  const sweep = (): void => {
    tasks.sweep();
    const used = new Set(tasks.values().map(({ definitionArn }) => definitionArn));
    definitions.sweep(({ arn }) => used.has(arn));
    idempotency.sweep();
    logStore.sweep();
    secretStore.sweep();
    queueStore.sweep();
    stats.sweep();
  };

  await manager.begin(signal);
  const { port } = await server.listen(options);
  const done = (async () => {
    await Promise.all([manager.run(signal), shipper.run(signal), repeat(sweep, { everyMs: sweepMs, clock, signal })]);
    await server.close();
    await metadata.close();
    database.close();
  })();
  return { endpoint: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`, done };
}

/** Calls `work` now and again until the signal aborts. */
async function repeat(
  work: () => void,
  { everyMs, clock, signal }: { readonly everyMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    work();
    await clock.sleep(everyMs, { signal }).catch(() => {});
  }
}

/** Made once for a state folder; containers are found again by it. */
function instanceId(instances: Collection<string>): string {
  const existing = instances.get('id');
  if (existing !== undefined) return existing;
  const id = randomUUID();
  instances.set('id', id);
  return id;
}
