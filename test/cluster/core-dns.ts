import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { type CredentialFiles, clusterDomain, coreDnsUser } from './credentials.ts';
import { addresses } from './network-namespace.ts';

/** The command line of the cluster's DNS server, which runs beside the control plane. Writes its configuration. */
export function coreDnsCommand(binaries: Binaries, files: CredentialFiles, runDir: string): string[] {
  const corefile = `.:53 {
    bind ${addresses.nodeIp}
    errors
    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
        kubeconfig ${files.coreDnsKubeconfig}
        pods insecure
        ttl 1
    }
}
`;
  const path = join(runDir, 'Corefile');
  writeFileSync(path, corefile);
  return [binaries.coredns, '-conf', path];
}

/** What CoreDNS needs in the cluster: leave to read, and the Service at the address that pods are told. */
export const coreDnsObjects = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: coreDnsUser }],
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    // Without a selector: it leads to a process on the node, not to a pod.
    spec: {
      clusterIP: addresses.clusterDnsIp,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'kubernetes.io/service-name': 'kube-dns', 'endpointslice.kubernetes.io/managed-by': 'test-cluster' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [addresses.nodeIp], conditions: { ready: true } }],
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  },
];
