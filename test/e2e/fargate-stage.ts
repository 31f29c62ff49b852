import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '@aws-sdk/client-ecs';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { type FargateServer, logGroup } from './fargate-server.ts';
import { cluster, type Ending, getObject, kubectl, Stage, type VirtualNodeProcess } from './harness.ts';

/** So many tasks DescribeTasks takes in one call. */
const describeLimit = 100;

/** A stage whose virtual node runs its pods as tasks, in an ECS cluster of its own. */
export class FargateStage {
  readonly stage: Stage;
  readonly fargate: FargateServer;
  readonly ecsCluster: string;
  readonly #configFile: string;

  private constructor(stage: Stage, fargate: FargateServer) {
    this.stage = stage;
    this.fargate = fargate;
    this.ecsCluster = stage.namespace;
    this.#configFile = join(stage.rootDir, 'fargate.toml');
  }

  /** Needs a local Fargate that outlives the test; `config` are lines beside those that every test has. */
  static async set(context: Ending, fargate: FargateServer, config: readonly string[] = []): Promise<FargateStage> {
    const stage = await Stage.set(context);
    const ours = new FargateStage(stage, fargate);
    context.after(() => ours.#endTasks());
    const lines = [
      `ClusterName = "${ours.ecsCluster}"`,
      'Subnets = ["subnet-0123abcd"]',
      'ExecutionRoleArn = "arn:aws:iam::000000000000:role/ecsTaskExecutionRole"',
      `CloudWatchLogGroupName = "${logGroup}"`,
      ...config,
    ];
    writeFileSync(ours.#configFile, lines.join('\n'));
    return ours;
  }

  /** Starts virtual-kubelet and waits until its node is Ready; `init` as for any stage. */
  startNode({ init = true }: { readonly init?: boolean } = {}): Promise<VirtualNodeProcess> {
    const flags = ['--provider-config', this.#configFile];
    return this.stage.startNode({ provider: 'aws', flags, environment: this.fargate.environment, init });
  }

  /** A Deployment of one container on this stage's node. */
  async deploy(
    name: string,
    container: Record<string, unknown>,
    { replicas, annotations = {} }: { readonly replicas: number; readonly annotations?: Record<string, string> },
  ): Promise<void> {
    const labels = { app: name };
    const spec = { ...this.stage.placement, terminationGracePeriodSeconds: 2, containers: [container] };
    await cluster.apply([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: this.stage.namespace },
        spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
      },
    ]);
  }

  async scale(name: string, replicas: number): Promise<void> {
    await kubectl('scale', `deployment/${name}`, `--replicas=${replicas}`, '--namespace', this.stage.namespace);
  }

  /** Waits until all replicas are ready. */
  async untilRolledOut(name: string, timeoutSeconds = 60): Promise<void> {
    const { namespace } = this.stage;
    await kubectl('rollout', 'status', `deployment/${name}`, '--namespace', namespace, `--timeout=${timeoutSeconds}s`);
  }

  /** Of a Deployment. */
  async podsOf(name: string): Promise<Pod[]> {
    const list = await getObject<{ items: Pod[] }>(
      ...['pods', `--selector=app=${name}`, '--namespace', this.stage.namespace],
    );
    return list?.items ?? [];
  }

  /** As ECS describes them: those that are to run, or those that are to have stopped. */
  async tasks(desiredStatus: 'RUNNING' | 'STOPPED'): Promise<Task[]> {
    const { ecs } = this.fargate;
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await ecs.listTasks({ cluster: this.ecsCluster, desiredStatus, ...(nextToken && { nextToken }) });
      arns.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    const found: Task[] = [];
    for (let from = 0; from < arns.length; from += describeLimit) {
      const tasks = arns.slice(from, from + describeLimit);
      found.push(...((await ecs.describeTasks({ cluster: this.ecsCluster, tasks })).tasks ?? []));
    }
    return found;
  }

  /** The tasks of these pods, whatever their state. */
  async tasksOf(pods: readonly Pod[]): Promise<Task[]> {
    const uids = new Set(pods.map(({ metadata }) => metadata?.uid));
    const all = [...(await this.tasks('RUNNING')), ...(await this.tasks('STOPPED'))];
    return all.filter(({ startedBy }) => uids.has(startedBy));
  }

  /** Waits until each of these pods’ tasks has stopped. */
  async untilStopped(pods: readonly Pod[], timeoutMs = 60_000): Promise<void> {
    await waitFor(async () => (await this.tasksOf(pods)).every(({ lastStatus }) => lastStatus === 'STOPPED'), {
      what: 'all tasks to have stopped',
      timeoutMs,
      intervalMs: 300,
    });
  }

  /** Containers of these tasks that Podman has, running or not. */
  async containersOf(tasks: readonly Task[]): Promise<string[]> {
    const output = await cluster.podman(['ps', '--all', '--format', '{{.Names}}']);
    const ids = tasks.map(taskId);
    return output.split('\n').filter((name) => ids.some((id) => name.includes(id)));
  }

  /** Waits for an event of this stage's namespace whose `reason: message` matches. */
  async untilEvent(pattern: RegExp): Promise<void> {
    await waitFor(async () => (await this.stage.events()).some((event) => pattern.test(event)), {
      what: `an event like ${pattern}`,
      timeoutMs: 20_000,
    });
  }

  /** A hundred take their time. */
  async #endTasks(): Promise<void> {
    const { ecs } = this.fargate;
    const running = await this.tasks('RUNNING');
    await Promise.all(running.map(({ taskArn: task }) => ecs.stopTask({ cluster: this.ecsCluster, task })));
    await waitFor(async () => (await this.tasks('STOPPED')).every(({ lastStatus }) => lastStatus === 'STOPPED'), {
      what: 'all tasks to have stopped',
      timeoutMs: 180_000,
    });
  }
}

export function taskId({ taskArn = '' }: Pick<Task, 'taskArn'>): string {
  return taskArn.slice(taskArn.lastIndexOf('/') + 1);
}
