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
