import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../test/cluster/cluster.ts';
import { runCommand } from '../test/cluster/run-command.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const main = join(project, 'src/main.ts');

/** A running virtual-kubelet. */
export interface VirtualNode {
  readonly logFile: string;
  /** Rejects when it ends on its own. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Starts virtual-kubelet on Podman inside the cluster as `system:node:<name>`, after the init step. */
export async function startVirtualNode(cluster: Cluster, nodeName: string): Promise<VirtualNode> {
  await cluster.kubectl(['apply', '--filename', join(project, 'deploy/init-node-role.yaml')]);
  const initKubeconfig = await cluster.kubeconfigForServiceAccount('kube-system', 'virtual-kubelet-init');
  const nodeKubeconfig = await cluster.kubeconfigFor({ user: `system:node:${nodeName}`, groups: ['system:nodes'] });
  const flags = ['--provider', 'podman', '--nodename', nodeName, '--node-ip', cluster.nodeIp];
  const environment = { ...process.env, CONTAINER_HOST: `unix://${cluster.podmanSocket}` };
  await runCommand(cluster.inside([process.execPath, main, 'init-node', '--kubeconfig', initKubeconfig, ...flags]), {
    env: environment,
  });
  mkdirSync(join(cluster.runDir, 'logs'), { recursive: true });
  const logFile = join(cluster.runDir, 'logs', `${nodeName}.log`);
  const log = openSync(logFile, 'a');
  const rootDir = join(cluster.runDir, 'virtual-kubelet');
  const [command = '', ...args] = cluster.inside([
    process.execPath,
    main,
    ...['--kubeconfig', nodeKubeconfig, '--root-dir', rootDir, '--metrics-addr', '127.0.0.1:10255', ...flags],
  ]);
  const child = spawn(command, args, { env: environment, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', resolve);
  });
  let stopping = false;
  const failed = exited.then((code) => {
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`virtual-kubelet ended with code ${code}:\n${lastLines(logFile)}`);
  });
  failed.catch(() => {});
  return {
    logFile,
    failed,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
}
