import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CertificateAuthority, type CertificateRequest, createSigningKey } from './certificates.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { addresses } from './network-namespace.ts';

export const clusterDomain = 'cluster.local';
export const apiServerUrl = `https://${addresses.nodeIp}:6443`;

/** The files that identify the cluster's servers and clients. */
export interface CredentialFiles {
  readonly certificateAuthority: string;
  readonly certificateAuthorityKey: string;
  readonly apiServer: FilePair;
  readonly kubeletClient: FilePair;
  readonly frontProxyAuthority: string;
  readonly frontProxyClient: FilePair;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  readonly adminKubeconfig: string;
  readonly controllerManagerKubeconfig: string;
  readonly schedulerKubeconfig: string;
  readonly kubeProxyKubeconfig: string;
  readonly coreDnsKubeconfig: string;
}

interface FilePair {
  readonly certificate: string;
  readonly key: string;
}

/** The name that the API server gives when it asks a kubelet. */
export const kubeletClientUser = 'kube-apiserver-kubelet-client';
export const coreDnsUser = 'system:coredns';

export function credentialFiles(runDir: string): CredentialFiles {
  const file = (name: string) => join(runDir, 'credentials', name);
  const pair = (name: string) => ({ certificate: file(`${name}.crt`), key: file(`${name}.key`) });
  return {
    certificateAuthority: file('ca.crt'),
    certificateAuthorityKey: file('ca.key'),
    apiServer: pair('kube-apiserver'),
    kubeletClient: pair('kube-apiserver-kubelet-client'),
    frontProxyAuthority: file('front-proxy-ca.crt'),
    frontProxyClient: pair('front-proxy-client'),
    serviceAccountKey: file('service-account.key'),
    serviceAccountPublicKey: file('service-account.pub'),
    adminKubeconfig: file('admin.kubeconfig'),
    controllerManagerKubeconfig: file('kube-controller-manager.kubeconfig'),
    schedulerKubeconfig: file('kube-scheduler.kubeconfig'),
    kubeProxyKubeconfig: file('kube-proxy.kubeconfig'),
    coreDnsKubeconfig: file('coredns.kubeconfig'),
  };
}

/** Makes a certificate authority and everything that it certifies; hands the authority back for more clients. */
export async function createCredentials(files: CredentialFiles): Promise<CertificateAuthority> {
  const authority = await CertificateAuthority.create('kubernetes');
  const frontProxyAuthority = await CertificateAuthority.create('front-proxy');
  const serviceAccounts = await createSigningKey();
  write(files.certificateAuthority, authority.pem.certificate);
  write(files.certificateAuthorityKey, authority.pem.key);
  write(files.frontProxyAuthority, frontProxyAuthority.pem.certificate);
  write(files.serviceAccountKey, serviceAccounts.key);
  write(files.serviceAccountPublicKey, serviceAccounts.publicKey);

  await issueTo(files.apiServer, authority, {
    commonName: 'kube-apiserver',
    usage: 'server',
    dnsNames: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${clusterDomain}`,
    ],
    ipAddresses: ['127.0.0.1', addresses.nodeIp, addresses.apiServerServiceIp],
  });
  await issueTo(files.kubeletClient, authority, { commonName: kubeletClientUser, usage: 'client' });
  await issueTo(files.frontProxyClient, frontProxyAuthority, { commonName: 'front-proxy-client', usage: 'client' });

  const clients: [file: string, user: string, groups: string[]][] = [
    [files.adminKubeconfig, 'admin', ['system:masters']],
    [files.controllerManagerKubeconfig, 'system:kube-controller-manager', []],
    [files.schedulerKubeconfig, 'system:kube-scheduler', []],
    [files.kubeProxyKubeconfig, 'system:kube-proxy', []],
    [files.coreDnsKubeconfig, coreDnsUser, []],
  ];
  for (const [file, user, groups] of clients) write(file, await clientKubeconfig(authority, { user, groups }));
  return authority;
}

/** A kubeconfig whose client certificate the API server takes for this user in these groups. */
export async function clientKubeconfig(
  authority: CertificateAuthority,
  { user, groups, expiresInMs }: { user: string; groups: readonly string[]; expiresInMs?: number },
): Promise<string> {
  const credential = await authority.issue({
    commonName: user,
    organizations: groups,
    usage: 'client',
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
  });
  return renderKubeconfig({ server: apiServerUrl, certificateAuthority: authority.pem.certificate, credential });
}

async function issueTo(files: FilePair, authority: CertificateAuthority, request: CertificateRequest): Promise<void> {
  const { certificate, key } = await authority.issue(request);
  write(files.certificate, certificate);
  write(files.key, key);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}
