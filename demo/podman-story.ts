import type { Cluster } from '../test/cluster/cluster.ts';
import type { Background } from './background.ts';
import { deployment } from './deployment.ts';
import type { Terminal } from './terminal.ts';
import { nodeName, startVirtualNode } from './virtual-node.ts';

/** Starts what the story needs. */
export async function setPodmanStage(cluster: Cluster, terminal: Terminal): Promise<Background[]> {
  terminal.say('a virtual node on Podman');
  terminal.type(`virtual-kubelet --provider=podman   # as system:node:${nodeName}`);
  const environment = { ...process.env, CONTAINER_HOST: `unix://${cluster.podmanSocket}` };
  return [await startVirtualNode(cluster, { flags: ['--provider', 'podman'], environment })];
}

/** An ordinary Deployment on the virtual node, from nothing to ten containers and back to nothing. */
export async function playPodmanStory(cluster: Cluster, terminal: Terminal): Promise<void> {
  await terminal.until(`kubectl get node ${nodeName}`, 'the node to be ready', (output) => / Ready /.test(output));
  await cluster.startKubeProxy(nodeName);
  await terminal.show('kubectl get nodes');

  terminal.say('an ordinary Deployment, told to run on the virtual node, and a Service in front of it');
  await terminal.show('kubectl apply -f -', { input: deployment('operator: Exists') });
  await terminal.read('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await terminal.show('kubectl get service nginx');
  terminal.say("its external address is a cloud's to give; cluster IP and node port answer");
  const clusterIp = await terminal.read("kubectl get service nginx -o jsonpath='{.spec.clusterIP}'");
  const nodePort = await terminal.read("kubectl get service nginx -o jsonpath='{.spec.ports[0].nodePort}'");
  const greeted = (output: string): boolean => output.includes('Welcome to nginx');
  await terminal.until(`curl -s -m 2 http://${clusterIp}/ || true`, 'nginx to answer at its cluster IP', greeted);
  await terminal.show(`curl -s http://${clusterIp}/ | grep title`);
  await terminal.show(`curl -s http://${cluster.nodeIp}:${nodePort}/ | grep title`);

  terminal.say('ten of them');
  await terminal.show('kubectl scale deployment nginx --replicas=10');
  await terminal.read('kubectl rollout status deployment nginx --timeout=120s');
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
