import type { Terminal } from './terminal.ts';

/** nginx on the virtual node, told so by a toleration of `virtual-kubelet.io/provider`, and a Service in front of it. */
export function deployment(toleration: string): string {
  return `apiVersion: apps/v1
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
        ${toleration}
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
}

/** nginx behind its Service, at the cluster IP and at the node port. */
export async function showService(terminal: Terminal, nodeIp: string): Promise<void> {
  await terminal.show('kubectl get service nginx');
  terminal.say("its external address is a cloud's to give; cluster IP and node port answer");
  const ports = "jsonpath='{.spec.clusterIP} {.spec.ports[0].nodePort}'";
  const [clusterIp, nodePort] = (await terminal.read(`kubectl get service nginx -o ${ports}`)).split(' ');
  const isGreeting = (output: string): boolean => output.includes('Welcome to nginx');
  for (const url of [`http://${clusterIp}/`, `http://${nodeIp}:${nodePort}/`]) {
    await terminal.show(`curl -s -m 2 ${url} | grep title`, { until: isGreeting });
  }
}
