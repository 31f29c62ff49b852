import { join } from 'node:path';
import { runCommand } from '../test/cluster/run-command.ts';
import { program, project } from './background.ts';
import type { Stage } from './stage.ts';

export const nodeName = 'virtual-kubelet';

/** Starts virtual-kubelet inside the cluster as `system:node:<name>`, after the init step, and waits until it is Ready. */
export async function startVirtualNode(
  { cluster, background, terminal }: Stage,
  options: { readonly flags: readonly string[]; readonly environment: NodeJS.ProcessEnv },
): Promise<void> {
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
  background.start(nodeName, { words: [...ours, ...flags], environment });
  await terminal.until(`kubectl get node ${nodeName}`, 'the node to be ready', (output) => / Ready /.test(output));
  await cluster.startKubeProxy(nodeName);
}
