import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import { ECS } from '@aws-sdk/client-ecs';
import type { SwitchPositions } from '../../src/local-fargate/switches/switches.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, VirtualNodeProcess } from './harness.ts';

export const logGroup = '/ecs/virtual-kubelet';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** How often an operation was called, and how often of these it was throttled or refused. */
export interface CallCounts {
  readonly calls: number;
  readonly throttled: number;
  readonly refused: number;
}

/** A local Fargate as a process inside the cluster's network: its tasks are containers of the cluster's Podman. */
export class FargateServer {
  readonly endpoint: string;
  readonly ecs: ECS;
  readonly #process: VirtualNodeProcess;
  readonly #dir: string;

  private constructor(endpoint: string, process: VirtualNodeProcess, dir: string) {
    this.endpoint = endpoint;
    this.ecs = new ECS({ endpoint, region: 'us-east-1', credentials });
    this.#process = process;
    this.#dir = dir;
  }

  static async start(): Promise<FargateServer> {
    const dir = mkdtempSync(join(cluster.runDir, 'local-fargate-'));
    const logFile = join(dir, 'local-fargate.log');
    const flags = ['--port', '0', '--state-dir', join(dir, 'state'), '--podman-socket', cluster.podmanSocket];
    const process = new VirtualNodeProcess(['local-fargate', ...flags], {}, logFile);
    const endpoint = await waitFor(
      async () => /at (http:\/\/127\.0\.0\.1:\d+)/.exec(readFileSync(logFile, 'utf8'))?.[1],
      { what: 'local Fargate to say where it listens', timeoutMs: 30_000, check: () => process.throwIfEnded() },
    );
    const server = new FargateServer(endpoint, process, dir);
    const logs = new CloudWatchLogs({ endpoint, region: 'us-east-1', credentials });
    await logs.createLogGroup({ logGroupName: logGroup });
    logs.destroy();
    return server;
  }

  /** What a client of AWS reads. */
  get environment(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  async turnSwitches(change: Partial<SwitchPositions>): Promise<void> {
    await this.#ask('PATCH', 'switches', change);
  }

  /** Warns a Spot task's containers now, and ends it after the warning. */
  async interrupt(task: string, warningSeconds: number): Promise<void> {
    await this.#ask('POST', 'interrupt', { task, warningSeconds });
  }

  /** By operation, such as `ecs:RunTask`, since the server began or the counts were cleared. */
  async calls(): Promise<Readonly<Record<string, CallCounts>>> {
    return (await this.#ask('GET', 'calls')) as Record<string, CallCounts>;
  }

  async clearCalls(): Promise<void> {
    await this.#ask('DELETE', 'calls');
  }

  log(): string {
    return this.#process.log();
  }

  /** Its tasks run on: whoever has started some ends them before. */
  async stop(): Promise<void> {
    this.ecs.destroy();
    await this.#process.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #ask(method: string, route: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.endpoint}/_local-fargate/${route}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`local Fargate answered ${response.status} to ${method} ${route}: ${text}`);
    return JSON.parse(text);
  }
}
