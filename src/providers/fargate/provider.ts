import { Prober } from '../../engine/prober/prober.ts';
import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import type { Refusal } from '../../podspec/features/refusals.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { PodConnection, PortForwardRequest } from '../../provider/process-streams.ts';
import type {
  DeletePodOptions,
  LogRequest,
  NodeOffer,
  OperationOptions,
  Provider,
  ProviderContext,
  RunOptions,
} from '../../provider/provider.ts';
import { backoffDelayMs } from '../../queue/backoff.ts';
import { isAbortOf } from '../../support/abort.ts';
import { CodedError } from '../../support/errors.ts';
import { ownerId } from './attempt.ts';
import { createBudgets } from './aws/budgets.ts';
import { AwsCaller } from './aws/caller.ts';
import { type AwsClients, createClients } from './aws/clients.ts';
import { capabilities } from './capabilities.ts';
import { FargateCluster } from './cluster.ts';
import { type FargateConfig, readFargateConfig } from './config.ts';
import { DefinitionRegistry } from './definitions/definition-registry.ts';
import { EcsApi } from './ecs/ecs-api.ts';
import { type EcsTask, hasStopped } from './ecs/ecs-task.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { TaskHealth } from './health/task-health.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { LogApi } from './logs/log-api.ts';
import { hasLogEnded, logSource } from './logs/log-source.ts';
import { readStream } from './logs/read-stream.ts';
import { nodeOffer } from './node-offer.ts';
import { AttemptStarter } from './pods/attempt-starter.ts';
import { eventNews } from './pods/event-news.ts';
import { FargatePods } from './pods/fargate-pods.ts';
import { consistencyMs } from './pods/pod-book.ts';
import { TaskEvents } from './pods/task-events.ts';
import { TaskFinder } from './pods/task-finder.ts';
import { TaskPoller } from './pods/task-poller.ts';
import { connectToTask } from './port-forward.ts';
import { SecretStore } from './secrets/secret-store.ts';
import { fargateRefusals } from './translate/refusals.ts';

export { capabilities } from './capabilities.ts';

export async function createProvider(context: ProviderContext): Promise<Provider> {
  const config = await readFargateConfig(context.configFile, context.environment);
  return new FargateProvider(context, config, await createClients(config));
}

/** How often tasks of ours are looked for that nobody told us of. */
const searchMs = 300_000;
const recoveryRange = { baseMs: 1000, capMs: 30_000 };

/** Runs each pod as an AWS Fargate task. */
class FargateProvider implements Provider {
  readonly name = 'aws';
  readonly capabilities = capabilities;
  readonly #context: ProviderContext;
  readonly #config: FargateConfig;
  readonly #cluster: FargateCluster;
  readonly #prober: Prober;
  readonly #pods: FargatePods;
  readonly #finder: TaskFinder;
  readonly #poller: TaskPoller;
  readonly #garbage: GarbageCollector;
  readonly #events: TaskEvents | undefined;
  readonly #logs: LogApi | undefined;
  readonly #mutex = new KeyedMutex();
  #isRecovered = false;

  constructor(context: ProviderContext, config: FargateConfig, clients: AwsClients) {
    const { clock, log, recordEvent } = context;
    const random = Math.random;
    const owner = ownerId(context.clusterId, context.nodeName);
    const familyPrefix = `vk-${owner}`;
    const entryPrefix = `${config.secretPrefix}/${owner}`;
    const budgets = createBudgets(clock);
    const caller = new AwsCaller({ clock, random });
    const ecs = new EcsApi({ ecs: clients.ecs, cluster: config.clusterName, budgets, caller });
    const definitions = new DefinitionRegistry({ ecs, clock });
    const secrets = new SecretStore({ secrets: clients.secrets, budgets, caller, clock, tags: config.tags });
    const cluster = new FargateCluster({ ecs, name: config.clusterName, tags: config.tags });
    const account = () => cluster.account;
    const starter = new AttemptStarter({
      context,
      config,
      owner,
      familyPrefix,
      entryPrefix,
      ecs,
      definitions,
      secrets,
      account,
    });
    this.#prober = new Prober({
      context: {
        clock,
        random,
        recordEvent,
        log,
        runtime: { exec: () => Promise.reject(new Error('ECS runs these')) },
      },
      wake: (uid) => this.#pods.wake(uid),
    });
    const health = new TaskHealth({ prober: this.#prober, clock });
    this.#context = context;
    this.#config = config;
    this.#cluster = cluster;
    this.#finder = new TaskFinder({ ecs, owner });
    const onMove = (): void => this.#poller.wake();
    this.#pods = new FargatePods({ context, random, ecs, starter, finder: this.#finder, health, onMove });
    this.#poller = new TaskPoller({
      ecs,
      clock,
      log,
      hasEvents: config.eventQueueUrl !== undefined,
      tasks: () => this.#pods.book.watched(),
      take: (found, missing) => this.#pods.book.take(found, missing),
    });
    const { eventQueueUrl: queueUrl, logGroupName: group } = config;
    const takeEvent = (event: EcsTask): void => {
      const found = this.#finder.identify(event);
      const task = found && eventNews(event, this.#pods.book.get(found.identity.ref.uid));
      if (found === undefined || task === undefined) return;
      // The end of a pod that has been released is of no interest any more.
      const isOld = hasStopped(task) && !this.#pods.book.isKnownTask(task.arn);
      if (!isOld) this.#pods.adopt([{ ...found, task }]);
    };
    this.#events =
      queueUrl === undefined
        ? undefined
        : new TaskEvents({ sqs: clients.sqs, queueUrl, caller, clock, log, take: takeEvent });
    this.#logs = group === undefined ? undefined : new LogApi({ logs: clients.logs, group, budgets, caller });
    this.#garbage = new GarbageCollector({
      ecs,
      definitions,
      secrets,
      budgets,
      clock,
      log,
      familyPrefix,
      entryPrefix: config.executionRoleArn === undefined ? undefined : entryPrefix,
      inUse: () => this.#pods.book.inUse(),
    });
  }

  refusals(pod: Pod): readonly Refusal[] {
    return fargateRefusals(pod, this.#config);
  }

  async describeNode(options: OperationOptions): Promise<NodeOffer> {
    return nodeOffer(this.#config, await this.#cluster.ensure(options));
  }

  async ping(options: OperationOptions): Promise<void> {
    await this.#cluster.ensure(options);
  }

  async run({ signal, observe }: RunOptions): Promise<void> {
    await this.#recoverAtLast(signal);
    if (signal.aborted) return;
    this.#prober.start(signal);
    await Promise.all([
      this.#pods.run({ signal, observe }),
      this.#poller.run({ signal }),
      this.#events?.run({ signal }),
      this.#searchNow({ signal }),
      this.#garbage.run({ signal }),
    ]);
  }

  async createPod(pod: Pod, options: OperationOptions): Promise<void> {
    await this.#recover(options);
    await this.#pods.create(pod, options);
  }

  async updatePod(pod: Pod): Promise<void> {
    this.#pods.update(pod);
  }

  async deletePod(pod: PodRef, options: DeletePodOptions): Promise<void> {
    await this.#recover(options);
    await this.#pods.delete(pod, options);
  }

  async releasePod(pod: PodRef): Promise<void> {
    await this.#pods.release(pod);
  }

  async listPods(options: OperationOptions): Promise<readonly ObservedPod[]> {
    await this.#recover(options);
    return this.#pods.list();
  }

  async logs(request: LogRequest, { signal }: OperationOptions): Promise<AsyncIterable<Uint8Array>> {
    const api = this.#logs;
    const { pod, container, previous, stream: only } = request;
    const record = this.#pods.book.known(pod);
    if (api === undefined) {
      throw new CodedError(
        'NotImplemented',
        'logs are kept where the provider’s configuration has a CloudWatchLogGroupName',
      );
    }
    if (only !== undefined) throw new CodedError('InvalidInput', 'the logs of Fargate do not tell stdout from stderr');
    const { stream, taskArn } = logSource(record, container, previous);
    const hasEnded = (): boolean => hasLogEnded(this.#pods.book.get(pod.uid), container, taskArn);
    return readStream({ api, stream, request, hasEnded, clock: this.#context.clock, signal });
  }

  async portForward(request: PortForwardRequest, options: OperationOptions): Promise<PodConnection> {
    return connectToTask(this.#pods.book.known(request.pod), request, options);
  }

  /** Finds once what earlier processes of ours left. Before that, nobody knows which pods have a task. */
  #recover({ signal }: OperationOptions): Promise<void> {
    return this.#mutex.run('recover', async () => {
      if (this.#isRecovered) return;
      await this.#cluster.ensure({ signal });
      this.#pods.adopt(await this.#finder.findAll({ signal }));
      this.#isRecovered = true;
    });
  }

  /** Until it succeeds, or the signal aborts. */
  async #recoverAtLast(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#recover({ signal });
        return;
      } catch (error) {
        if (isAbortOf(signal, error)) return;
        log.warn('ECS does not tell which tasks there are; asking again', { error });
      }
      await clock.sleep(backoffDelayMs(failures, recoveryRange), { signal }).catch(() => {});
    }
  }

  /** Finds tasks that a call of ours made whose answer was lost for good. */
  async #searchNow({ signal }: OperationOptions): Promise<void> {
    const { clock, log } = this.#context;
    // What the process before us began just before its end, ECS may not have known when we asked first.
    for (let waitMs = consistencyMs; !signal.aborted; waitMs = searchMs) {
      await clock.sleep(waitMs, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#pods.adopt(await this.#finder.findNew((arn) => this.#pods.book.isKnownTask(arn), { signal }));
      } catch (error) {
        if (!isAbortOf(signal, error)) log.warn('Tasks could not be searched; trying again later', { error });
      }
    }
  }
}
