import type { Cluster } from '../test/cluster/cluster.ts';
import type { Terminal } from './terminal.ts';

export const nodeName = 'virtual-kubelet';

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
spec:
  replicas: 1
  selector:
    matchLabels: {app: nginx}
  template:
    metadata:
      labels: {app: nginx}
    spec:
      containers:
      - name: nginx
        image: nginx
        ports: [{containerPort: 80}]
      nodeSelector:
        kubernetes.io/role: agent
      tolerations:
      - key: virtual-kubelet.io/provider
        operator: Exists
---
apiVersion: v1
kind: Service
metadata:
  name: nginx
spec:
  type: LoadBalancer
  selector: {app: nginx}
  ports: [{port: 80}]
`;

/** An ordinary Deployment on the virtual node, from nothing to ten containers and back to nothing. */
export async function playStory(cluster: Cluster, terminal: Terminal): Promise<void> {
  await terminal.until(`kubectl get node ${nodeName}`, 'the node to be ready', (output) => / Ready /.test(output));
  await cluster.startKubeProxy(nodeName);
  await terminal.show('kubectl get nodes');

  terminal.say('an ordinary Deployment, told to run on the virtual node, and a Service in front of it');
  await terminal.show('kubectl apply -f -', { input: deployment });
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
