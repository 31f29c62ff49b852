import { existsSync, readdirSync, statSync } from 'node:fs';
import { runCommand, tryCommand } from './run-command.ts';

/** The addresses inside a cluster's network namespace. Every cluster has the same ones: each is a network of its own. */
export const addresses = {
  /** The address of the node's interface: the InternalIP of every virtual node, and where the servers listen. */
  nodeIp: '10.100.0.1',
  nodePrefixLength: 24,
  podCidr: '10.88.0.0/16',
  serviceCidr: '10.96.0.0/16',
  /** The first address of the service range: the API server's own Service. */
  apiServerServiceIp: '10.96.0.1',
  clusterDnsIp: '10.96.0.10',
} as const;

export interface NetworkNamespace {
  readonly name: string;
  readonly path: string;
}

export function networkNamespace(clusterName: string): NetworkNamespace {
  const name = `vk-${clusterName}`;
  return { name, path: `/run/netns/${name}` };
}

/**
 * The words to put before a command to run it in the namespace. Not `ip netns exec`: that remounts /sys, and Podman
 * then finds no cgroups.
 */
export function enterNamespace({ path }: NetworkNamespace, command: readonly string[]): string[] {
  return ['nsenter', `--net=${path}`, '--', ...command];
}

export async function createNamespace(namespace: NetworkNamespace): Promise<void> {
  await runCommand(['ip', 'netns', 'add', namespace.name]);
  const ip = (...args: string[]) => runCommand(['ip', '-n', namespace.name, ...args]);
  await ip('link', 'set', 'lo', 'up');
  // A bridge without ports stands for the node's network card: kernels without the dummy device have bridges too.
  await ip('link', 'add', 'node0', 'type', 'bridge');
  await ip('address', 'add', `${addresses.nodeIp}/${addresses.nodePrefixLength}`, 'dev', 'node0');
  await ip('link', 'set', 'node0', 'up');
  // Without a route, a packet to a ClusterIP fails before it reaches the rules that kube-proxy made for it.
  await ip('route', 'add', 'default', 'dev', 'node0');
  await passBridgedPacketsThroughFilters(namespace);
}

/**
 * A pod's answer to another pod on the same bridge must pass connection tracking, or the address of the Service, that
 * the other one asked, is not put back as its sender. Every real node has this setting.
 */
async function passBridgedPacketsThroughFilters(namespace: NetworkNamespace): Promise<void> {
  const setting = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  if (!existsSync(setting)) await tryCommand(['modprobe', 'br_netfilter']);
  if (!existsSync(setting)) throw new Error('The kernel lacks br_netfilter, which Services need: load that module.');
  await runCommand(enterNamespace(namespace, ['sh', '-c', `echo 1 >${setting}`]));
}

export async function deleteNamespace(namespace: NetworkNamespace): Promise<void> {
  if (existsSync(namespace.path)) await runCommand(['ip', 'netns', 'delete', namespace.name]);
}

/** Whether the namespace is there; its path may also be an empty file, left by an `ip netns add` that was killed. */
export function namespaceExists({ path }: NetworkNamespace): boolean {
  return otherNamespace(path) !== undefined;
}

/** Whether we are in the namespace ourselves. */
export function isInside({ path }: NetworkNamespace): boolean {
  const its = namespaceIdentity(path);
  const ours = namespaceIdentity('/proc/self/ns/net');
  return its !== undefined && its.device === ours?.device && its.inode === ours.inode;
}

/** The ids of the processes that are in the namespace. */
export function processesIn({ path }: NetworkNamespace): number[] {
  const wanted = otherNamespace(path);
  if (wanted === undefined) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      const its = namespaceIdentity(`/proc/${pid}/ns/net`);
      return its?.device === wanted.device && its.inode === wanted.inode;
    })
    .map(Number);
}

interface NamespaceIdentity {
  readonly device: number;
  readonly inode: number;
}

function namespaceIdentity(path: string): NamespaceIdentity | undefined {
  try {
    const { dev, ino } = statSync(path);
    return { device: dev, inode: ino };
  } catch {
    return undefined;
  }
}

/** The identity of a network namespace that is not the one that we are in ourselves. */
function otherNamespace(path: string): NamespaceIdentity | undefined {
  const its = namespaceIdentity(path);
  const ours = namespaceIdentity('/proc/self/ns/net');
  if (its === undefined || ours === undefined) return undefined;
  return its.device === ours.device && its.inode !== ours.inode ? its : undefined;
}
