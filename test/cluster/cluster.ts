import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Binaries, ensureBinaries } from './binaries.ts';
import { bringUp } from './bring-up.ts';
import { ClusterClient } from './cluster-client.ts';
import { type ClusterControls, ClusterServers } from './cluster-servers.ts';
import { remoteControls, serveControls } from './control-socket.ts';
import { removeCluster } from './leftovers.ts';
import { type Lock, tryLock } from './lock.ts';
import { networkNamespace } from './network-namespace.ts';
import { clusterDir } from './paths.ts';
import type { Progress } from './progress.ts';
import { ensureRegistryBinary } from './registry.ts';
import { assertLinuxRoot, ensureSystemPackages } from './system-packages.ts';
import { waitFor } from './wait-for.ts';
import { writeWrapperScripts } from './wrapper-scripts.ts';

/** A cluster that is up, as any process on the machine can use it. */
export class RunningCluster extends ClusterClient {
  readonly #controls: ClusterControls;

  constructor(name: string, kubectlPath: string, controls: ClusterControls) {
    super(name, kubectlPath);
    this.#controls = controls;
  }

  /**
   * Starts the cluster's only kube-proxy, as the node of this name, and waits until its rules are made. The Node object
   * should be there: kube-proxy waits 30 s for it before it begins without. ClusterIPs, and so the names of Services
   * inside containers, work only while it runs.
   */
  async startKubeProxy(nodeName: string): Promise<{ stop(): Promise<void> }> {
    await this.#controls.startKubeProxy(nodeName);
    return { stop: () => this.#controls.stopKubeProxy() };
  }

  /** Ends the API server; what is stored stays. */
  stopApiServer(): Promise<void> {
    return this.#controls.stopApiServer();
  }

  /** Starts the API server again and waits until it is ready. */
  startApiServer(): Promise<void> {
    return this.#controls.startApiServer();
  }

  /** Holds the API server: its connections stay open, and nothing answers. */
  freezeApiServer(): Promise<void> {
    return this.#controls.freezeApiServer();
  }

  /** Lets a held API server go on. */
  thawApiServer(): Promise<void> {
    return this.#controls.thawApiServer();
  }

  /** Ends the service that speaks Podman's API; the containers go on. */
  stopPodman(): Promise<void> {
    return this.#controls.stopPodman();
  }

  /** Starts Podman's service again and waits until it answers. */
  startPodman(): Promise<void> {
    return this.#controls.startPodman();
  }
}

/** A cluster that this process started, and that ends with it. */
export class Cluster extends RunningCluster implements AsyncDisposable {
  readonly #end: () => Promise<void>;

  constructor(name: string, kubectlPath: string, controls: ClusterControls, end: () => Promise<void>) {
    super(name, kubectlPath, controls);
    this.#end = end;
  }

  /** Ends everything that belongs to the cluster, containers included, and removes its files. */
  stop(): Promise<void> {
    return this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export interface StartOptions {
  /** Clusters of different names know nothing of each other and can run at the same time. */
  readonly name: string;
  /** Ends a start before it is done. What it had started by then has ended when the start throws. */
  readonly signal?: AbortSignal;
  /** Also told, later, when a server of the cluster ends though nobody asked it to. */
  readonly progress?: Progress;
}

/**
 * Brings up a real control plane with Podman and an image registry, in a network namespace of its own, and gets
 * whatever that takes: system packages, binaries, images.
 *
 * Throws when a cluster of that name is running already. One that a killed run left behind is removed first.
 */
export async function startCluster({ name, signal, progress = () => {} }: StartOptions): Promise<Cluster> {
  assertLinuxRoot();
  const runDir = clusterDir(name);
  const lock = await tryLock(lockFile(name));
  if (lock === undefined) {
    throw new Error(
      `The cluster '${name}' is running already, started by process ${owner(name)}. Use another name, or end that one ` +
        `first: node test/cluster/main.ts down --name ${name}`,
    );
  }
  writeFileSync(lock.path, `${process.pid}\n`);
  await using cleanup = new AsyncDisposableStack();
  cleanup.use(lock);

  await ensureSystemPackages({ progress, signal });
  await removeCluster(runDir, networkNamespace(name));
  const binaries = await ensureBinaries({ progress, signal });
  const registryBinary = await ensureRegistryBinary({ progress, signal });

  cleanup.defer(() => removeCluster(runDir, networkNamespace(name)));
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const client = new ClusterClient(name, binaries.kubectl);
  const servers = new ClusterServers(client, binaries, progress);
  cleanup.defer(() => servers.kill());
  await bringUp(client, servers, { registryBinary, progress, signal });
  writeWrapperScripts(client);
  writeFileSync(descriptionFile(runDir), JSON.stringify({ kubectl: binaries.kubectl } satisfies Description));
  const controlServer = await serveControls(servers, controlSocket(runDir));
  cleanup.use(controlServer);

  const started = cleanup.move();
  return new Cluster(name, binaries.kubectl, servers, () => started.disposeAsync());
}

/** Gives a cluster that another process has started. */
export async function openCluster(name: string): Promise<RunningCluster> {
  const runDir = clusterDir(name);
  if (!existsSync(controlSocket(runDir))) {
    throw new Error(`The cluster '${name}' is not up. Start it: node test/cluster/main.ts up --name ${name}`);
  }
  const { kubectl } = JSON.parse(readFileSync(descriptionFile(runDir), 'utf8')) as Description;
  return new RunningCluster(name, kubectl, remoteControls(controlSocket(runDir)));
}

/** Ends a cluster that another process has started, or has left behind. */
export async function endCluster(name: string): Promise<void> {
  assertLinuxRoot();
  await using _lock = await takeFromOwner(name);
  await removeCluster(clusterDir(name), networkNamespace(name));
}

async function takeFromOwner(name: string): Promise<Lock> {
  const free = await tryLock(lockFile(name));
  if (free !== undefined) return free;
  process.kill(owner(name), 'SIGTERM');
  return waitFor(() => tryLock(lockFile(name)), {
    what: `process ${owner(name)} to end the cluster '${name}'`,
    timeoutMs: 60_000,
  });
}

/** What a process that did not start the cluster cannot find out from its name. */
interface Description {
  readonly kubectl: Binaries['kubectl'];
}

function descriptionFile(runDir: string): string {
  return join(runDir, 'cluster.json');
}

function controlSocket(runDir: string): string {
  return join(runDir, 'control.sock');
}

/** Beside the run directory, which comes and goes while the lock is held. */
function lockFile(name: string): string {
  return `${clusterDir(name)}.lock`;
}

/** The process that holds the cluster's lock. */
function owner(name: string): number {
  return Number(readFileSync(lockFile(name), 'utf8'));
}
