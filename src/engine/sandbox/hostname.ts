import type { Pod } from '../../kubernetes/objects.ts';

const longestHostname = 63;

/** A pod's own host name and the domain that its subdomain gives it ('' for none), as kubelet finds them. */
export function podHostname(pod: Pod, clusterDomain: string): { readonly hostname: string; readonly domain: string } {
  const { hostname, hostnameOverride, subdomain } = pod.spec ?? {};
  if (hostnameOverride) return { hostname: shortened(hostnameOverride), domain: '' };
  return {
    hostname: shortened(hostname || (pod.metadata?.name ?? '')),
    domain: subdomain ? `${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}` : '',
  };
}

/** What the pod's processes get as their host's name: on the host's network that of the machine, as with kubelet. */
export function kernelHostname(
  pod: Pod,
  { clusterDomain, machine }: { readonly clusterDomain: string; readonly machine: string },
): string {
  if (pod.spec?.hostNetwork) return machine;
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return pod.spec?.setHostnameAsFQDN && domain !== '' ? `${hostname}.${domain}` : hostname;
}

function shortened(name: string): string {
  return name.slice(0, longestHostname).replace(/[-.]+$/, '');
}
