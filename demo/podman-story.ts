import { deployment, showService } from './deployment.ts';
import type { Stage, Story } from './stage.ts';
import { nodeName, startVirtualNode } from './virtual-node.ts';

/** An ordinary Deployment on a virtual node on Podman, from nothing to ten containers and back to nothing. */
export const podmanStory: Story = {
  environment: {},
  encore: [
    'kubectl get nodes',
    'kubectl scale deployment nginx --replicas=3',
    'kubectl get pods -o wide',
    'podman ps',
    'kubectl exec -it deployment/nginx -- sh',
  ],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { cluster, terminal } = stage;
  terminal.say('a virtual node on Podman');
  terminal.type(`virtual-kubelet --provider=podman   # as system:node:${nodeName}`);
  const environment = { ...process.env, CONTAINER_HOST: `unix://${cluster.podmanSocket}` };
  await startVirtualNode(stage, { flags: ['--provider', 'podman'], environment });
  await terminal.show('kubectl get nodes');

  terminal.say('an ordinary Deployment, told to run on the virtual node, and a Service in front of it');
  await terminal.show('kubectl apply -f -', { input: deployment('operator: Exists') });
  await terminal.show('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await showService(terminal, cluster.nodeIp);

  terminal.say('ten of them');
  await terminal.show('kubectl scale deployment nginx --replicas=10');
  await terminal.show('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await terminal.show(
    'podman ps --filter label=io.kubernetes.container.name=nginx --format "{{.ID}} {{.Image}} {{.Status}}"',
  );
  await terminal.show('kubectl logs deployment/nginx --tail=3');

  terminal.say('and none: nothing is left behind');
  await terminal.show('kubectl scale deployment nginx --replicas=0');
  await terminal.until('kubectl get pods -o name', 'the pods to be gone', (output) => output.trim() === '');
  await terminal.until('podman ps -aq', 'the containers to be gone', (output) => output.trim() === '');
  await terminal.show('kubectl get pods');
  await terminal.show('podman ps --all');
  await terminal.show('podman pod ps');
}
