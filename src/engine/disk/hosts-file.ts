import { readFile, writeFile } from 'node:fs/promises';
import type { Pod } from '../../kubernetes/objects.ts';

export interface HostsEntry {
  readonly ips: readonly string[];
  readonly hostname: string;
  /** `<subdomain>.<namespace>.svc.<cluster domain>`; '' where the pod has no subdomain. */
  readonly domain: string;
}

/** A pod's /etc/hosts, as kubelet's `managedHostsFileContent` lays it out. */
export function hostsFile({ ips, hostname, domain }: HostsEntry, pod: Pod): string {
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...ips.map((ip) => `${ip}\t${domain === '' ? '' : `${hostname}.${domain}\t`}${hostname}`),
    ...hostAliasLines(pod),
    '',
  ].join('\n');
}

/** /etc/hosts of a pod that shares the host's network: the host's own, with the pod's aliases. */
export function hostNetworkHostsFile(hostsOfHost: string, pod: Pod): string {
  return ['# Kubernetes-managed hosts file (host network).', hostsOfHost.trimEnd(), ...hostAliasLines(pod), ''].join(
    '\n',
  );
}

function hostAliasLines(pod: Pod): readonly string[] {
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length === 0) return [];
  return [
    '',
    '# Entries added by HostAliases.',
    ...aliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t')),
  ];
}

/** Writes the file in place: containers that run already have this very file mounted. */
export async function writeHostsFile(path: string, entry: HostsEntry, pod: Pod): Promise<void> {
  const content = pod.spec?.hostNetwork
    ? hostNetworkHostsFile(await readFile('/etc/hosts', 'utf8'), pod)
    : hostsFile(entry, pod);
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present !== content) await writeFile(path, content, { mode: 0o644 });
}
