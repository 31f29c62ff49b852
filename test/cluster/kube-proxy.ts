import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import type { CredentialFiles } from './credentials.ts';
import { addresses } from './network-namespace.ts';

/** Where kube-proxy answers whether it has made its rules. */
export const kubeProxyHealthPort = 10256;

/** The command line of a kube-proxy that serves as the node's. Writes its configuration. */
export function kubeProxyCommand(
  binaries: Binaries,
  files: CredentialFiles,
  runDir: string,
  nodeName: string,
): string[] {
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    hostnameOverride: nodeName,
    clientConnection: { kubeconfig: files.kubeProxyKubeconfig },
    clusterCIDR: addresses.podCidr,
    // Node ports answer here even when the Node object did not yet have its address as kube-proxy began.
    bindAddress: addresses.nodeIp,
    healthzBindAddress: `127.0.0.1:${kubeProxyHealthPort}`,
    metricsBindAddress: '127.0.0.1:10249',
    // The limits of connection tracking are the machine's, and a namespace may not set them.
    conntrack: { maxPerCore: 0, min: 0 },
    // Rules follow a change at once rather than within a second.
    nftables: { minSyncPeriod: '100ms' },
  };
  const path = join(runDir, 'kube-proxy.json');
  writeFileSync(path, JSON.stringify(config, undefined, 2));
  return [binaries['kube-proxy'], `--config=${path}`];
}
