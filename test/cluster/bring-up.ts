import type { ClusterClient } from './cluster-client.ts';
import type { ClusterServers } from './cluster-servers.ts';
import { createCredentials, credentialFiles } from './credentials.ts';
import { createImages, restoreImages } from './images/image-store.ts';
import { createNamespace, networkNamespace } from './network-namespace.ts';
import { podmanPaths, writePodmanConfiguration } from './podman.ts';
import { type Progress, timed } from './progress.ts';
import { registryDataDir } from './registry.ts';
import { runCommand } from './run-command.ts';

export interface BringUpOptions {
  readonly registryBinary: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Starts all of a cluster's servers in their order. What it has started when it throws is the caller's to end. */
export async function bringUp(
  client: ClusterClient,
  servers: ClusterServers,
  { registryBinary, progress, signal }: BringUpOptions,
): Promise<void> {
  await createNamespace(networkNamespace(client.name));
  await createCredentials(credentialFiles(client.runDir));
  writePodmanConfiguration(client.runDir);
  await timed(progress, `starting the cluster '${client.name}'`, () =>
    together(signal, [
      (both) => startControlPlane(servers, both),
      (both) => startContainers(client, servers, { registryBinary, progress, signal: both }),
    ]),
  );
}

async function startControlPlane(servers: ClusterServers, signal: AbortSignal): Promise<void> {
  servers.startEtcd();
  await servers.startApiServer(signal);
  servers.startControllers();
  await servers.startCoreDns(signal);
  await servers.waitForControllers(signal);
}

async function startContainers(
  client: ClusterClient,
  servers: ClusterServers,
  { registryBinary, progress, signal }: BringUpOptions,
): Promise<void> {
  const dataDir = registryDataDir(client.runDir);
  const restored = restoreImages(dataDir);
  await servers.startRegistry(registryBinary, signal);
  if (!restored) {
    await createImages({
      podmanInside: (args) => client.podman(args, { signal }),
      podmanOutside: (args) => runCommand(['podman', ...args], { env: environmentOutside(client), signal }),
      registryDataDir: dataDir,
      progress,
      signal,
    });
  }
  await servers.startPodman(signal);
}

/** Podman's environment for pulls over the machine's network: the cluster's storage, but the machine's registries. */
function environmentOutside(client: ClusterClient): NodeJS.ProcessEnv {
  const { CONTAINERS_REGISTRIES_CONF: _, ...environment } = podmanPaths(client.runDir).environment;
  return { ...process.env, ...environment };
}

/** Does things at the same time. When one fails the others are told to end, and have ended when this throws. */
async function together(
  signal: AbortSignal | undefined,
  work: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failure = new AbortController();
  const either = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  await Promise.all(work.map((part) => part(either).catch((error: unknown) => failure.abort(error))));
  failure.signal.throwIfAborted();
}
