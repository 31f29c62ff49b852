import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { type CredentialFiles, clusterDomain } from './credentials.ts';
import { addresses } from './network-namespace.ts';

/**
 * Controllers ask a few times a second by default, for the sake of shared API servers. Here that is most of the time of
 * a start, and would be what a test of many pods measures.
 */
const requestRate = ['--kube-api-qps=500', '--kube-api-burst=1000'];

/** The command lines of the control plane's servers. */
export const controlPlaneCommands = {
  etcd(binaries: Binaries, runDir: string): string[] {
    const client = 'http://127.0.0.1:2379';
    const peer = 'http://127.0.0.1:2380';
    return [
      binaries.etcd,
      `--data-dir=${join(runDir, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // The data need not outlive the cluster, and waiting for the disk is most of the time of a write.
      '--unsafe-no-fsync',
    ];
  },

  apiServer(binaries: Binaries, files: CredentialFiles): string[] {
    return [
      binaries['kube-apiserver'],
      '--etcd-servers=http://127.0.0.1:2379',
      `--advertise-address=${addresses.nodeIp}`,
      '--secure-port=6443',
      `--service-cluster-ip-range=${addresses.serviceCidr}`,
      '--allow-privileged=true',
      '--anonymous-auth=false',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--client-ca-file=${files.certificateAuthority}`,
      `--tls-cert-file=${files.apiServer.certificate}`,
      `--tls-private-key-file=${files.apiServer.key}`,
      `--kubelet-client-certificate=${files.kubeletClient.certificate}`,
      `--kubelet-client-key=${files.kubeletClient.key}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--service-account-issuer=https://kubernetes.default.svc.${clusterDomain}`,
      `--service-account-key-file=${files.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${files.serviceAccountKey}`,
      // Aggregated APIs (metrics-server) recognise the API server by this certificate.
      `--requestheader-client-ca-file=${files.frontProxyAuthority}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${files.frontProxyClient.certificate}`,
      `--proxy-client-key-file=${files.frontProxyClient.key}`,
    ];
  },

  controllerManager(binaries: Binaries, files: CredentialFiles): string[] {
    return [
      binaries['kube-controller-manager'],
      `--kubeconfig=${files.controllerManagerKubeconfig}`,
      `--authentication-kubeconfig=${files.controllerManagerKubeconfig}`,
      `--authorization-kubeconfig=${files.controllerManagerKubeconfig}`,
      '--bind-address=127.0.0.1',
      // There is only one, and waiting for a lease would delay each start.
      '--leader-elect=false',
      ...requestRate,
      '--controllers=*',
      '--use-service-account-credentials=true',
      `--service-cluster-ip-range=${addresses.serviceCidr}`,
      `--root-ca-file=${files.certificateAuthority}`,
      `--service-account-private-key-file=${files.serviceAccountKey}`,
      `--cluster-signing-cert-file=${files.certificateAuthority}`,
      `--cluster-signing-key-file=${files.certificateAuthorityKey}`,
      // Autoscalers look at figures once in 15 s by default.
      '--horizontal-pod-autoscaler-sync-period=2s',
    ];
  },

  scheduler(binaries: Binaries, files: CredentialFiles): string[] {
    return [
      binaries['kube-scheduler'],
      `--kubeconfig=${files.schedulerKubeconfig}`,
      `--authentication-kubeconfig=${files.schedulerKubeconfig}`,
      `--authorization-kubeconfig=${files.schedulerKubeconfig}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      ...requestRate,
    ];
  },
};
