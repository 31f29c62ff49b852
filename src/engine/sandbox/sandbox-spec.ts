import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { podCgroupLimits } from '../../podspec/resources/cgroup.ts';
import { podSysctls } from '../../podspec/sysctls.ts';
import type { HostPort, SandboxSpec } from '../../runtime/runtime.ts';
import type { NodeFacts } from '../engine-context.ts';
import { type Owner, sandboxLabels, sandboxName } from '../pod/labels.ts';
import { containersOf } from '../pod/spec-containers.ts';
import { type Dns, podDns } from './dns.ts';
import { kernelHostname } from './hostname.ts';

/** What the machine has, for pods that have no better or want the same. */
export interface Machine {
  readonly hostname: string;
  readonly dns: Dns;
}

/** What the pod's containers share. */
export function sandboxSpec(
  pod: Pod,
  attempt: number,
  { owner, node, machine }: { readonly owner: Owner; readonly node: NodeFacts; readonly machine: Machine },
): SandboxSpec {
  const ref = podRef(pod);
  const dns = podDns(pod, node, machine.dns);
  const resources = podCgroupLimits(pod);
  const hostNetwork = pod.spec?.hostNetwork === true;
  return {
    name: sandboxName(ref.uid, attempt),
    labels: sandboxLabels(owner, ref, attempt),
    hostname: kernelHostname(pod, { clusterDomain: node.clusterDomain, machine: machine.hostname }),
    ...(dns && { dns }),
    ...(resources && { resources }),
    hostNetwork,
    sharePids: pod.spec?.shareProcessNamespace === true,
    sysctls: Object.fromEntries(podSysctls(pod).map(({ name, value }) => [name, value])),
    // On the host's network a container's port is the host's already.
    hostPorts: hostNetwork ? [] : hostPorts(pod),
  };
}

function hostPorts(pod: Pod): readonly HostPort[] {
  return containersOf(pod).flatMap(({ container }) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, containerPort, protocol }) =>
      hostPort ? [{ hostIp: hostIP ?? '', hostPort, containerPort, protocol: protocolOf(protocol) }] : [],
    ),
  );
}

function protocolOf(protocol: string | undefined): HostPort['protocol'] {
  if (protocol === 'UDP') return 'udp';
  return protocol === 'SCTP' ? 'sctp' : 'tcp';
}
