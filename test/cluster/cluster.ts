import { mkdirSync } from 'node:fs';
import { ensureBinaries } from './binaries.ts';
import { ClusterClient } from './cluster-client.ts';
import { type ClusterControls, ClusterServers } from './cluster-servers.ts';
import { createCredentials, credentialFiles } from './credentials.ts';
import { createImages, restoreImages } from './images/image-store.ts';
import { removeCluster } from './leftovers.ts';
import { tryLock } from './lock.ts';
import { createNamespace, networkNamespace } from './network-namespace.ts';
import { clusterDir } from './paths.ts';
import { podmanPaths, writePodmanConfiguration } from './podman.ts';
import { type Progress, timed } from './progress.ts';
import { ensureRegistryBinary, registryDataDir } from './registry.ts';
import { runCommand } from './run-command.ts';
import { assertLinuxRoot, ensureSystemPackages } from './system-packages.ts';

export interface StartOptions {
  /** Clusters of different names know nothing of each other and can run at the same time. */
  readonly name: string;
  /** Ends a start before it is done. What it had started is ended before the start throws. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** A running cluster. */
export class Cluster extends ClusterClient implements AsyncDisposable {
  readonly #controls: ClusterControls;
  readonly #end: () => Promise<void>;

  constructor(
    client: { readonly name: string; readonly kubectlPath: string },
    controls: ClusterControls,
    end: () => Promise<void>,
  ) {
    super(client.name, client.kubectlPath);
    this.#controls = controls;
    this.#end = end;
  }

  /**
   * Starts the cluster's only kube-proxy, as the node of this name, and waits until its rules are made. The Node object
   * should be there: kube-proxy waits 30 s for it before it begins without. Names of Services resolve and ClusterIPs
   * answer only while it runs.
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

  startPodman(): Promise<void> {
    return this.#controls.startPodman();
  }

  /** Ends everything that belongs to the cluster, containers included, and removes its files. */
  stop(): Promise<void> {
    return this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * Brings up a real control plane with Podman and an image registry, in a network namespace of its own.
 *
 * Throws when a cluster of that name is running already. One that a killed run left behind is removed first.
 */
export async function startCluster({ name, signal, progress = () => {} }: StartOptions): Promise<Cluster> {
  assertLinuxRoot();
  const runDir = clusterDir(name);
  const lock = await tryLock(`${runDir}.lock`);
  if (lock === undefined) {
    throw new Error(
      `The cluster '${name}' is running already. End it first (node test/cluster/main.ts down --name ${name}), or use ` +
        'another name.',
    );
  }
  const namespace = networkNamespace(name);
  let servers: ClusterServers | undefined;
  const stop = async () => {
    await servers?.kill();
    await removeCluster(runDir, namespace);
    await lock[Symbol.asyncDispose]();
  };
  try {
    await ensureSystemPackages({ progress, signal });
    await removeCluster(runDir, namespace);
    const binaries = await ensureBinaries({ progress, signal });
    const registryBinary = await ensureRegistryBinary({ progress, signal });
    const client = new ClusterClient(name, binaries.kubectl);
    servers = new ClusterServers(client, binaries, progress);
    await bringUp(client, servers, { registryBinary, progress, signal });
    return new Cluster({ name, kubectlPath: binaries.kubectl }, servers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(
  client: ClusterClient,
  servers: ClusterServers,
  options: { registryBinary: string; progress: Progress; signal: AbortSignal | undefined },
): Promise<void> {
  const { progress } = options;
  const { runDir } = client;
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  await createNamespace(networkNamespace(client.name));
  await createCredentials(credentialFiles(runDir));
  writePodmanConfiguration(runDir);

  const controlPlane = async () => {
    servers.startEtcd();
    await servers.startApiServer(signal);
    servers.startControllers();
    await servers.startCoreDns(signal);
    await servers.waitForControllers(signal);
  };
  const containers = async () => {
    const restored = restoreImages(registryDataDir(runDir));
    await servers.startRegistry(options.registryBinary, signal);
    if (!restored) {
      await createImages({
        podmanInside: (args) => client.podman(args, { signal }),
        podmanOutside: (args) => runCommand(['podman', ...args], { env: podmanEnvironmentOutside(client), signal }),
        registryDataDir: registryDataDir(runDir),
        progress,
        signal,
      });
    }
    await servers.startPodman(signal);
  };
  await timed(progress, `starting the cluster '${client.name}'`, async () => {
    const work = [controlPlane(), containers()].map((part) => part.catch((error: unknown) => failure.abort(error)));
    // The other one must have ended, too, before anything is cleared up.
    await Promise.all(work);
    failure.signal.throwIfAborted();
  });
}

/** The machine's own idea of registries, with the cluster's storage. */
function podmanEnvironmentOutside(client: ClusterClient): NodeJS.ProcessEnv {
  const { CONTAINERS_REGISTRIES_CONF: _, ...environment } = podmanPaths(client.runDir).environment;
  return { ...process.env, ...environment };
}
