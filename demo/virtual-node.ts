import { join } from 'node:path';
import type { Cluster } from '../test/cluster/cluster.ts';
import { runCommand } from '../test/cluster/run-command.ts';
import { type Background, program, project, startInBackground } from './background.ts';

export const nodeName = 'virtual-kubelet';

/** Starts virtual-kubelet inside the cluster as `system:node:<name>`, after the init step. */
export async function startVirtualNode(
  cluster: Cluster,
  options: { readonly flags: readonly string[]; readonly environment: NodeJS.ProcessEnv },
): Promise<Background> {
  const { environment } = options;
  await cluster.kubectl(['apply', '--filename', join(project, 'deploy/init-node-role.yaml')]);
  const initKubeconfig = await cluster.kubeconfigForServiceAccount('kube-system', 'virtual-kubelet-init');
  const nodeKubeconfig = await cluster.kubeconfigFor({ user: `system:node:${nodeName}`, groups: ['system:nodes'] });
  const flags = ['--nodename', nodeName, '--node-ip', cluster.nodeIp, ...options.flags];
  await runCommand(cluster.inside([...program, 'init-node', '--kubeconfig', initKubeconfig, ...flags]), {
    env: environment,
  });
  const rootDir = join(cluster.runDir, 'virtual-kubelet');
  const ours = ['--kubeconfig', nodeKubeconfig, '--root-dir', rootDir, '--metrics-addr', '127.0.0.1:10255'];
  return startInBackground(cluster, nodeName, { words: [...ours, ...flags], environment });
}
