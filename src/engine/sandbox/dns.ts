import type { Pod } from '../../kubernetes/objects.ts';
import type { SandboxSpec } from '../../runtime/runtime.ts';
import type { NodeFacts } from '../engine-context.ts';

export type Dns = NonNullable<SandboxSpec['dns']>;

/**
 * The resolver of a pod by its dnsPolicy and dnsConfig, as kubelet's `GetPodDNS` makes it; undefined leaves it to the
 * runtime. ClusterFirst without a known cluster DNS is as Default.
 */
export function podDns(pod: Pod, node: NodeFacts, hostDns: Dns): Dns | undefined {
  const { dnsConfig } = pod.spec ?? {};
  const base = baseDns(pod, node, hostDns);
  if (!dnsConfig) return base;
  const { servers, searches, options } = base ?? hostDns;
  return {
    servers: unique([...servers, ...(dnsConfig.nameservers ?? [])]),
    searches: unique([...searches, ...(dnsConfig.searches ?? [])]),
    options: mergedOptions(
      options,
      (dnsConfig.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : (name ?? ''))),
    ),
  };
}

/** Whether the pod is to use the cluster's DNS. */
export function wantsClusterDns(pod: Pod): boolean {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  return policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true);
}

/** What a resolv.conf says. */
export function parseResolvConf(text: string): Dns {
  const entries = text.split('\n').map((line) => line.trim().split(/\s+/));
  const all = (keyword: string): string[] =>
    entries.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  // Only the last search list counts, says resolv.conf(5).
  const searches = entries.findLast(([first]) => first === 'search' || first === 'domain')?.slice(1) ?? [];
  return { servers: all('nameserver'), searches, options: all('options') };
}

function baseDns(pod: Pod, node: NodeFacts, hostDns: Dns): Dns | undefined {
  if (pod.spec?.dnsPolicy === 'None') return { servers: [], searches: [], options: [] };
  if (!wantsClusterDns(pod) || node.clusterDnsIp === undefined) return undefined;
  const { clusterDomain } = node;
  return {
    servers: [node.clusterDnsIp],
    searches: unique([
      `${pod.metadata?.namespace}.svc.${clusterDomain}`,
      `svc.${clusterDomain}`,
      clusterDomain,
      ...hostDns.searches,
    ]),
    options: ['ndots:5'],
  };
}

/** Options of the same name are set anew. */
function mergedOptions(options: readonly string[], added: readonly string[]): readonly string[] {
  const byName = new Map([...options, ...added].map((option) => [option.split(':')[0], option]));
  return [...byName.values()];
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
