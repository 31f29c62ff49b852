import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as toml from 'smol-toml';
import { mountPointsBelow } from '../../test/cluster/leftovers.ts';
import { networkNamespace } from '../../test/cluster/network-namespace.ts';
import type { Progress } from '../../test/cluster/progress.ts';
import { runCommand } from '../../test/cluster/run-command.ts';
import { ServerProcess } from '../../test/cluster/server-process.ts';
import { waitFor } from '../../test/cluster/wait-for.ts';
import { cluster, getObject } from '../../test/e2e/harness.ts';
import { peerBinaries } from './peer-binaries.ts';

const port = 10350;
const stopGraceMs = 10_000;

/**
 * A real kubelet with containerd as a node of the cluster, for figures beside ours. It has no network for pods: only
 * pods in the host's network run on it, and it stays NotReady, so pods are bound to it by name and tolerate that.
 */
export class RealKubelet {
  static readonly nodeName = 'real-kubelet';
  readonly #kubelet: ServerProcess;
  readonly #containerd: ServerProcess;
  readonly #folder: string;

  private constructor(parts: { kubelet: ServerProcess; containerd: ServerProcess; folder: string }) {
    this.#kubelet = parts.kubelet;
    this.#containerd = parts.containerd;
    this.#folder = parts.folder;
  }

  /** Gets the binaries, starts both and waits until the node is registered. All of it lies in the cluster's folder. */
  static async start(options: { readonly progress: Progress }): Promise<RealKubelet> {
    const { kubelet, containerd } = await peerBinaries(options);

    const folder = join(cluster.runDir, 'peer');
    await removeFolder(folder);
    mkdirSync(folder, { mode: 0o700 });
    const server = (name: string, command: readonly string[]): ServerProcess =>
      ServerProcess.start({
        name,
        command,
        namespace: networkNamespace(cluster.name),
        logFile: join(folder, `${name}.log`),
        onUnexpectedEnd: options.progress,
      });
    const sandboxImage = await makeSandboxImage();
    writeFileSync(join(folder, 'containerd.toml'), toml.stringify(containerdConfiguration(folder, sandboxImage)));
    writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfiguration(folder)));
    const kubeconfig = await cluster.kubeconfigFor({
      user: `system:node:${RealKubelet.nodeName}`,
      groups: ['system:nodes'],
    });
    const runtime = server('containerd', [containerd, '--config', join(folder, 'containerd.toml')]);
    const agent = server('kubelet', [
      kubelet,
      ...['--config', join(folder, 'kubelet.json'), '--kubeconfig', kubeconfig],
      ...['--hostname-override', RealKubelet.nodeName, '--node-ip', cluster.nodeIp],
      ...['--root-dir', join(folder, 'kubelet'), '--cert-dir', join(folder, 'pki')],
    ]);
    const started = new RealKubelet({ kubelet: agent, containerd: runtime, folder });
    try {
      await waitFor(async () => (await getObject('node', RealKubelet.nodeName)) !== undefined, {
        what: 'the real kubelet to register its node',
        timeoutMs: 60_000,
        check: () => {
          runtime.assertRunning();
          agent.assertRunning();
        },
      });
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** Who carries the bytes of a stream. */
  get pids(): readonly number[] {
    return [this.#kubelet.pid, this.#containerd.pid];
  }

  /** Ends its pods by itself, then both servers, and leaves nothing mounted. */
  async stop(): Promise<void> {
    const { nodeName } = RealKubelet;
    const its = ['--all-namespaces', '--field-selector', `spec.nodeName=${nodeName}`];
    await cluster.kubectl(['delete', 'pods', ...its, '--grace-period=1', '--timeout=30s']);
    await this.#kubelet.stop(stopGraceMs);
    await this.#containerd.stop(stopGraceMs);
    await cluster.kubectl(['delete', 'node', nodeName, '--wait=false', '--ignore-not-found']);
    await removeFolder(this.#folder);
  }
}

/** The cluster has no pause image: one of a sleeping busybox. */
async function makeSandboxImage(): Promise<string> {
  const image = `${cluster.registryAddress}/pause:bench`;
  const id = (await cluster.podman(['create', 'docker.io/library/busybox'])).trim();
  await cluster.podman(['commit', '--quiet', '--change', 'CMD ["sleep", "2147483647"]', id, image]);
  await cluster.podman(['rm', id]);
  await cluster.podman(['push', '--quiet', image]);
  return image;
}

function containerdConfiguration(folder: string, sandboxImage: string): toml.TomlTable {
  return {
    version: 3,
    root: join(folder, 'root'),
    state: join(folder, 'state'),
    disabled_plugins: ['io.containerd.nri.v1.nri'],
    grpc: { address: socket(folder) },
    ttrpc: { address: `${socket(folder)}.ttrpc` },
    plugins: {
      // A root user without CAP_SYS_RESOURCE may not lower these scores.
      'io.containerd.cri.v1.runtime': { restrict_oom_score_adj: true },
      'io.containerd.cri.v1.images': { pinned_images: { sandbox: sandboxImage } },
    },
  };
}

function kubeletConfiguration(folder: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: cluster.nodeIp,
    port,
    healthzPort: 0,
    authentication: { x509: { clientCAFile: cluster.certificateAuthorityFile } },
    containerRuntimeEndpoint: `unix://${socket(folder)}`,
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'plugins'),
    // What a kubelet wants of a machine of its own, and this is none.
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    featureGates: { KubeletInUserNamespace: true },
  };
}

function socket(folder: string): string {
  return join(folder, 'containerd.sock');
}

async function removeFolder(folder: string): Promise<void> {
  for (const mountPoint of mountPointsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), folder)) {
    await runCommand(['umount', '--lazy', mountPoint]);
  }
  rmSync(folder, { recursive: true, force: true });
}
