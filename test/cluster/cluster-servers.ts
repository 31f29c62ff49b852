import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import type { ClusterClient } from './cluster-client.ts';
import { controlPlaneCommands } from './control-plane.ts';
import { coreDnsCommand, coreDnsObjects } from './core-dns.ts';
import { type CredentialFiles, credentialFiles } from './credentials.ts';
import { kubeProxyCommand, kubeProxyHealthPort } from './kube-proxy.ts';
import { kubeletApiAccess } from './kubelet-api-access.ts';
import { isListening } from './listening.ts';
import { networkNamespace } from './network-namespace.ts';
import { podmanAnswers, podmanPaths, podmanServiceCommand } from './podman.ts';
import type { Progress } from './progress.ts';
import { registryCommand, registryPort } from './registry.ts';
import { ServerProcess } from './server-process.ts';
import { waitFor } from './wait-for.ts';

/** What can be done to a running cluster's servers. */
export interface ClusterControls {
  /**
   * Starts the cluster's only kube-proxy, as the node of this name, and waits until its rules are made. The Node object
   * should be there: kube-proxy waits 30 s for it before it begins without.
   */
  startKubeProxy(nodeName: string): Promise<void>;
  stopKubeProxy(): Promise<void>;
  /** Ends the API server; what is stored stays. */
  stopApiServer(): Promise<void>;
  /** Starts the API server again and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Holds the API server: its connections stay open, and nothing answers. */
  freezeApiServer(): Promise<void>;
  thawApiServer(): Promise<void>;
  /** Ends the service that speaks Podman's API; the containers go on. */
  stopPodman(): Promise<void>;
  startPodman(): Promise<void>;
}

type ServerName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'coredns'
  | 'docker-registry'
  | 'podman';

const stopGraceMs = 3_000;
const readyTimeoutMs = 60_000;

/** The servers of a cluster that this process started. */
export class ClusterServers implements ClusterControls {
  readonly #client: ClusterClient;
  readonly #binaries: Binaries;
  readonly #files: CredentialFiles;
  readonly #progress: Progress;
  readonly #running = new Map<ServerName, ServerProcess>();

  constructor(client: ClusterClient, binaries: Binaries, progress: Progress) {
    this.#client = client;
    this.#binaries = binaries;
    this.#files = credentialFiles(client.runDir);
    this.#progress = progress;
  }

  startEtcd(): void {
    this.#start('etcd', controlPlaneCommands.etcd(this.#binaries, this.#client.runDir));
  }

  async startApiServer(signal?: AbortSignal): Promise<void> {
    const server = this.#start('kube-apiserver', controlPlaneCommands.apiServer(this.#binaries, this.#files));
    await this.#waitForAnswer(server, ['get', '--raw', '/readyz'], 'the API server to be ready', signal);
  }

  stopApiServer(): Promise<void> {
    return this.#stop('kube-apiserver');
  }

  async freezeApiServer(): Promise<void> {
    this.#get('kube-apiserver').freeze();
  }

  async thawApiServer(): Promise<void> {
    this.#get('kube-apiserver').thaw();
  }

  startControllers(): void {
    this.#start('kube-controller-manager', controlPlaneCommands.controllerManager(this.#binaries, this.#files));
    this.#start('kube-scheduler', controlPlaneCommands.scheduler(this.#binaries, this.#files));
  }

  /** Waits for what the controllers put into each namespace, without which no pod can be created. */
  async waitForControllers(signal?: AbortSignal): Promise<void> {
    const query = [
      'get',
      '--namespace=default',
      'serviceaccount/default',
      'configmap/kube-root-ca.crt',
      '--output=name',
    ];
    await this.#waitForAnswer(this.#get('kube-controller-manager'), query, 'the default service account', signal);
  }

  async startCoreDns(signal?: AbortSignal): Promise<void> {
    await this.#client.apply([...coreDnsObjects, kubeletApiAccess], { signal });
    const server = this.#start('coredns', coreDnsCommand(this.#binaries, this.#files, this.#client.runDir));
    await this.#waitForPort(server, 53, signal);
  }

  async startKubeProxy(nodeName: string): Promise<void> {
    const server = this.#start(
      'kube-proxy',
      kubeProxyCommand(this.#binaries, this.#files, this.#client.runDir, nodeName),
    );
    await this.#waitForPort(server, kubeProxyHealthPort);
  }

  stopKubeProxy(): Promise<void> {
    return this.#stop('kube-proxy');
  }

  async startRegistry(binary: string, signal?: AbortSignal): Promise<void> {
    const server = this.#start('docker-registry', registryCommand(binary, this.#client.runDir));
    await this.#waitForPort(server, registryPort, signal);
  }

  async startPodman(signal?: AbortSignal): Promise<void> {
    const paths = podmanPaths(this.#client.runDir);
    const server = this.#start('podman', podmanServiceCommand(paths), { ...paths.environment });
    await waitFor(() => podmanAnswers(paths.socket), {
      what: 'Podman to answer',
      timeoutMs: readyTimeoutMs,
      signal,
      check: () => server.assertRunning(),
    });
  }

  stopPodman(): Promise<void> {
    return this.#stop('podman');
  }

  /** Ends all of them at once and by force: nothing that they would save is wanted. */
  async kill(): Promise<void> {
    const servers = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(servers.map((server) => server.stop(0)));
  }

  #start(name: ServerName, command: readonly string[], env: NodeJS.ProcessEnv = {}): ServerProcess {
    if (this.#running.has(name)) throw new Error(`${name} is already running in the cluster '${this.#client.name}'.`);
    const server = ServerProcess.start({
      name,
      command,
      env,
      namespace: networkNamespace(this.#client.name),
      logFile: join(this.#client.runDir, 'logs', `${name}.log`),
      onUnexpectedEnd: (message) => {
        this.#running.delete(name);
        this.#progress(message);
      },
    });
    this.#running.set(name, server);
    return server;
  }

  async #stop(name: ServerName): Promise<void> {
    const server = this.#get(name);
    this.#running.delete(name);
    await server.stop(stopGraceMs);
  }

  #get(name: ServerName): ServerProcess {
    const server = this.#running.get(name);
    if (server === undefined) throw new Error(`${name} is not running in the cluster '${this.#client.name}'.`);
    return server;
  }

  async #waitForAnswer(
    server: ServerProcess,
    query: readonly string[],
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await waitFor(
      async () => {
        const { code, stderr } = await this.#client.kubectl([...query, '--request-timeout=5s'], { signal });
        if (code !== 0) throw new Error(stderr.trim());
        return true;
      },
      { what, timeoutMs: readyTimeoutMs, signal, check: () => server.assertRunning() },
    );
  }

  async #waitForPort(server: ServerProcess, port: number, signal?: AbortSignal): Promise<void> {
    await waitFor(async () => isListening(server.pid, port), {
      what: `${server.name} to listen on port ${port}`,
      timeoutMs: readyTimeoutMs,
      intervalMs: 50,
      signal,
      check: () => server.assertRunning(),
    });
  }
}
