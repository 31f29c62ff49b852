import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalFargateOptions } from '../../../local-fargate/options.ts';
import { fakeRuntime, TestFargate } from '../../../local-fargate/testing/local-fargate.ts';
import type { PodEvent } from '../../../podspec/pod-events.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { fakeReferences } from '../../../podspec/testing/fake-references.ts';
import type { Provider, ProviderContext } from '../../../provider/provider.ts';
import type { FakeProgram, FakeRuntime } from '../../../runtime/testing/fake-runtime.ts';
import { silentLogger } from '../../../support/logger.ts';
import { createProvider } from '../provider.ts';
import { useAnyCredentials } from './credentials.ts';
import { FastClock } from './fast-clock.ts';

export interface FargateBedOptions {
  /** How many times faster than life time goes for provider and Fargate alike. Default 40. */
  readonly speed?: number;
  /** Lines of fargate.toml beside Region, Subnets and Endpoint. */
  readonly config?: readonly string[];
  readonly fargate?: Partial<LocalFargateOptions>;
  readonly references?: Partial<PodReferences>;
}

/**
 * A local Fargate on a fake runtime and providers for it. A container does what its first argument says: `exit <code>`
 * ends it soon, `stubborn` lets it wait to be killed, `broken` cannot be started; everything else runs on.
 */
export class FargateBed {
  readonly clock: FastClock;
  readonly runtime: FakeRuntime;
  readonly fargate: TestFargate;
  readonly events: PodEvent[] = [];
  /** What the cluster has, for providers that are made from now on. */
  references: PodReferences;
  readonly #folder = mkdtempSync(join(tmpdir(), 'fargate-bed-'));
  readonly #options: FargateBedOptions;

  private constructor(options: FargateBedOptions) {
    this.#options = options;
    this.clock = new FastClock(options.speed ?? 40);
    this.references = { ...fakeReferences({}), ...options.references };
    const images = ['busybox', 'nginx'].map((name) => `docker.io/library/${name}:latest`);
    this.runtime = fakeRuntime(this.clock, images);
    this.runtime.programs = ({ command = [] }) => programOf(command);
    this.fargate = new TestFargate(this.runtime, { clock: this.clock, options: { ...options.fargate } });
  }

  static async start(options: FargateBedOptions = {}): Promise<FargateBed> {
    useAnyCredentials();
    const bed = new FargateBed(options);
    await bed.fargate.start();
    return bed;
  }

  /** A provider as a new process of ours makes it; `endpoint` where it does not reach Fargate directly. */
  createProvider({ endpoint = this.fargate.endpoint, nodeName = 'node-1' } = {}): Promise<Provider> {
    const configFile = join(this.#folder, 'fargate.toml');
    const lines = [
      'Region = "us-east-1"',
      'Subnets = ["subnet-1"]',
      'SecurityGroups = ["sg-1"]',
      `Endpoint = "${endpoint}"`,
    ];
    writeFileSync(configFile, [...lines, ...(this.#options.config ?? [])].join('\n'));
    const context: ProviderContext = {
      nodeName,
      clusterId: 'cluster-1',
      configFile,
      nodeIp: '10.0.0.5',
      operatingSystem: 'linux',
      clusterDomain: 'cluster.local',
      clusterDnsIp: undefined,
      rootDir: this.#folder,
      references: this.references,
      recordEvent: (event) => this.events.push(event),
      environment: {},
      clock: this.clock,
      log: silentLogger,
    };
    return createProvider(context);
  }

  /** All tasks that were ever started for a pod and are still remembered, as DescribeTasks has them. */
  async tasksOf(uid: string): Promise<readonly BedTask[]> {
    // One that stops between the two lists is in both.
    const tasks = new Map<string, BedTask>();
    for (const desiredStatus of ['RUNNING', 'STOPPED']) {
      for (let nextToken: string | undefined; ; ) {
        const page = await this.fargate.ok('ecs', 'ListTasks', { desiredStatus, nextToken });
        const { taskArns } = page as { readonly taskArns: readonly string[] };
        const described =
          taskArns.length === 0
            ? {}
            : await this.fargate.ok('ecs', 'DescribeTasks', { tasks: taskArns, include: ['TAGS'] });
        const { tasks: found = [] } = described as { readonly tasks?: readonly BedTask[] };
        for (const task of found) tasks.set(task.taskArn, task);
        nextToken = page['nextToken'] as string | undefined;
        if (nextToken === undefined) break;
      }
    }
    return [...tasks.values()].filter(({ startedBy }) => startedBy === uid);
  }

  async liveTasksOf(uid: string): Promise<readonly BedTask[]> {
    return (await this.tasksOf(uid)).filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  }

  async stop(): Promise<void> {
    await this.fargate[Symbol.asyncDispose]();
    this.clock.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface BedTask {
  readonly taskArn: string;
  readonly startedBy: string;
  readonly group: string;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly stoppedReason?: string;
  readonly taskDefinitionArn: string;
  readonly capacityProviderName?: string;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly containers: readonly { readonly name: string; readonly runtimeId?: string; readonly exitCode?: number }[];
}

function programOf([word, code]: readonly string[]): FakeProgram {
  switch (word) {
    case 'exit':
      return { exitAfterMs: 500, exitCode: Number(code) };
    case 'stubborn':
      return { termMs: Number.POSITIVE_INFINITY };
    case 'broken':
      return { startError: 'exec: "broken": executable file not found in $PATH' };
    default:
      return { termExitCode: 0 };
  }
}
