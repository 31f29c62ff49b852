import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { ClusterClient } from '../cluster/cluster-client.ts';
import { runCommand } from '../cluster/run-command.ts';
import { waitFor } from '../cluster/wait-for.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const main = join(project, 'src/main.ts');

/** The shared cluster of this run; `make test` brings it up and runs these tests inside its network. */
export const cluster: ClusterClient = connect();

function connect(): ClusterClient {
  const name = process.env['TEST_CLUSTER'];
  const binaries = process.env['PATH']?.split(delimiter)[0];
  if (!name || !binaries) throw new Error('these tests need the shared cluster: run them by `node test/run.ts e2e`');
  return new ClusterClient(name, join(binaries, 'kubectl'));
}

/** Runs kubectl as the administrator, throws where it fails, gives what it printed. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with code ${code}: ${stderr}`);
  return stdout;
}

/** What kubectl gives as JSON; undefined where it is not found. */
export async function getObject<T>(...args: readonly string[]): Promise<T | undefined> {
  const { code, stdout, stderr } = await cluster.kubectl(['get', ...args, '--output=json']);
  if (code === 0) return JSON.parse(stdout) as T;
  if (stderr.includes('NotFound')) return undefined;
  throw new Error(`kubectl get ${args.join(' ')} ended with code ${code}: ${stderr}`);
}

export interface NodeOptions {
  /** Default podman. */
  readonly provider?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: `system:node:<name>` with a client certificate. */
  readonly kubeconfig?: string;
  /** Default true: the labels that the node may not give itself are set first. */
  readonly init?: boolean;
}

/** A test, or what else has an end: what is handed to `after` is called then, in that order. */
export interface Ending {
  after(end: () => Promise<void>): void;
}

/** A namespace of the API server and, once started, a virtual node in it; all is removed when the test ends. */
export class Stage {
  readonly namespace: string;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly logFile: string;
  #node: VirtualNodeProcess | undefined;

  private constructor(name: string) {
    this.namespace = name;
    this.nodeName = `node-${name}`;
    this.rootDir = mkdtempSync(join(cluster.runDir, `${name}-`));
    this.logFile = join(this.rootDir, 'virtual-kubelet.log');
  }

  static async set(context: Ending): Promise<Stage> {
    const stage = new Stage(`t${randomBytes(4).toString('hex')}`);
    context.after(() => stage.clear());
    await kubectl('create', 'namespace', stage.namespace);
    await waitFor(() => getObject('serviceaccount', 'default', '--namespace', stage.namespace), {
      what: 'the default service account',
      // After an outage of the API server the controller manager waits up to half a minute before it watches again.
      timeoutMs: 60_000,
    });
    return stage;
  }

  /** Starts virtual-kubelet for this stage's node and waits until the node is Ready. */
  async startNode(options: NodeOptions = {}): Promise<VirtualNodeProcess> {
    const node = await this.spawnNode(options);
    await waitFor(
      async () => {
        node.throwIfEnded();
        return (await this.nodeCondition('Ready'))?.status === 'True';
      },
      { what: `node ${this.nodeName} to be Ready`, timeoutMs: 30_000, check: () => node.throwIfEnded() },
    );
    return node;
  }

  /** Starts virtual-kubelet and does not wait for anything. */
  async spawnNode(options: NodeOptions = {}): Promise<VirtualNodeProcess> {
    const kubeconfig =
      options.kubeconfig ??
      (await cluster.kubeconfigFor({ user: `system:node:${this.nodeName}`, groups: ['system:nodes'] }));
    const flags = [
      ...['--provider', options.provider ?? 'podman', '--nodename', this.nodeName, '--node-ip', cluster.nodeIp],
      ...['--root-dir', this.rootDir, '--metrics-addr', '127.0.0.1:0', '--log-level', 'debug'],
      ...(options.flags ?? []),
    ];
    const environment = {
      CONTAINER_HOST: `unix://${cluster.podmanSocket}`,
      KUBELET_PORT: '0',
      ...options.environment,
    };
    if (options.init ?? true) {
      const step = new VirtualNodeProcess(
        ['init-node', '--kubeconfig', cluster.adminKubeconfig, ...flags],
        environment,
        this.logFile,
      );
      const code = await step.exited;
      if (code !== 0) throw new Error(`init-node ended with code ${code}:\n${step.log()}`);
    }
    this.#node = new VirtualNodeProcess(['--kubeconfig', kubeconfig, ...flags], environment, this.logFile);
    return this.#node;
  }

  async nodeCondition(type: string): Promise<{ status: string; reason?: string; message?: string } | undefined> {
    const node = await getObject<{
      status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
    }>('node', this.nodeName);
    return node?.status?.conditions?.find((condition) => condition.type === type);
  }

  /** A pod of this spec on this stage's node. */
  pod(name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: this.namespace, ...metadata },
      spec: { ...this.placement, terminationGracePeriodSeconds: 2, ...spec },
    };
  }

  /** The part of a pod's spec that brings it to this stage's node by the scheduler. */
  get placement(): { nodeSelector: Record<string, string>; tolerations: object[] } {
    return {
      nodeSelector: { 'kubernetes.io/hostname': this.nodeName },
      tolerations: [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }],
    };
  }

  /** A Deployment of this many pods of one container on this stage's node. */
  deployment(name: string, replicas: number, container: object): object {
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: this.namespace },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { ...this.placement, terminationGracePeriodSeconds: 1, containers: [container] },
        },
      },
    };
  }

  getPod(name: string): Promise<Pod | undefined> {
    return getObject<Pod>('pod', name, '--namespace', this.namespace);
  }

  /** Waits until the pod is there and `holds`, and gives it. */
  async untilPod(name: string, what: string, holds: (pod: Pod) => boolean, timeoutMs = 45_000): Promise<Pod> {
    let last: Pod | undefined;
    try {
      return await waitFor(
        async () => {
          last = await this.getPod(name);
          return last !== undefined && holds(last) && last;
        },
        { what: `pod ${name} to be ${what}`, timeoutMs, intervalMs: 200, check: () => this.#node?.throwIfEnded() },
      );
    } catch (error) {
      throw new Error(
        `${messageOf(error)}\nits status: ${JSON.stringify(last?.status, undefined, 1)}\n${this.#node?.log()}`,
      );
    }
  }

  async untilGone(name: string, timeoutMs = 45_000): Promise<void> {
    await waitFor(async () => (await this.getPod(name)) === undefined, {
      what: `pod ${name} to be gone`,
      timeoutMs,
      intervalMs: 200,
    });
  }

  /** The events of this stage's namespace as `reason: message`. */
  async events(): Promise<string[]> {
    const list = await getObject<{ items: { reason?: string; message?: string }[] }>(
      'events',
      '--namespace',
      this.namespace,
    );
    return (list?.items ?? []).map((event) => `${event.reason}: ${event.message}`);
  }

  /** What Podman has of this stage's node, sandboxes included: one line a container, `name running` or `name ended`. */
  async containers(): Promise<string[]> {
    const output = await cluster.podman([
      ...['ps', '--all', '--filter', `label=virtual-kubelet.io/node=${this.nodeName}`],
      ...['--format', '{{.Names}} {{.Status}}'],
    ]);
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/ Up .*/, ' running').replace(/ (?!running$).*/, ' ended'));
  }

  /** Takes everything away at once: how pods end in good order is for the tests themselves to look at. */
  async clear(): Promise<void> {
    const { namespace, nodeName } = this;
    try {
      if (this.#node?.running) await this.#node.kill();
      await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
      await cluster.kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0', '--namespace', namespace]);
      await cluster.kubectl(['delete', 'node', nodeName, '--wait=false', '--ignore-not-found']);
      const ours = ['--filter', `label=virtual-kubelet.io/node=${nodeName}`];
      const pods = (await cluster.podman(['pod', 'ps', '--quiet', ...ours])).split('\n').filter((id) => id !== '');
      if (pods.length > 0) await cluster.podman(['pod', 'rm', '--force', '--time=0', ...pods]);
    } finally {
      for (const mount of mountsBelow(this.rootDir)) await runCommand(['umount', mount]);
      rmSync(this.rootDir, { recursive: true, force: true });
    }
  }
}

/** One process of ours. */
export class VirtualNodeProcess {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor(flags: readonly string[], environment: Readonly<Record<string, string>>, logFile: string) {
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    const [command = '', ...args] = cluster.inside([process.execPath, main, ...flags]);
    this.#child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve(null));
      this.#child.once('exit', (code) => resolve(code));
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8').split('\n').slice(-40).join('\n');
  }

  throwIfEnded(): void {
    if (!this.running) throw new Error(`virtual-kubelet ended with code ${this.#child.exitCode}:\n${this.log()}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGTERM, and its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** SIGKILL: a crash. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Secrets are kept in memory: a file system of their own below the root dir, which stays for the next process. */
function mountsBelow(folder: string): string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`));
}

/** The status of one container of a pod. */
export function containerStatus(
  pod: Pod,
  name: string,
): NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number] {
  const status = pod.status?.containerStatuses?.find((candidate) => candidate.name === name);
  if (!status) throw new Error(`pod ${pod.metadata?.name} has no status of container ${name}`);
  return status;
}

export function isReady(pod: Pod): boolean {
  return (
    pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
  );
}
