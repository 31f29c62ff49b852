import type { ContainerSpec, Mount, Resources, SandboxSpec, Ulimit } from '../runtime.ts';
import { noLimitBytes } from './container-log.ts';

/** Podman 5 refuses every later update of a container whose check, though there is none, has no times. */
const noHealthCheck = { Test: ['NONE'], Interval: 30e9, Timeout: 30e9, Retries: 3 };

export interface Dns {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/**
 * A container as `POST /containers/create` takes it (Podman's SpecGenerator). `dns` is for containers of a sandbox that
 * shares the host's network: each of them has a resolv.conf of its own, where others have their sandbox's.
 */
export function toSpecGenerator(spec: ContainerSpec, dns?: Dns): Readonly<Record<string, unknown>> {
  return withoutUndefined({
    name: spec.name,
    pod: spec.sandboxId,
    image: spec.imageId,
    labels: spec.labels,
    entrypoint: spec.entrypoint,
    command: spec.command,
    work_dir: spec.workingDir,
    // As every runtime of a kubelet does.
    create_working_dir: true,
    env: spec.env,
    mounts: spec.mounts.map(toMount),
    image_volume_mode: 'anonymous',
    resource_limits: toLinuxResources(spec.resources),
    oom_score_adj: spec.resources.oomScoreAdj,
    user: spec.user,
    groups: spec.supplementalGroups.map(String),
    read_only_filesystem: spec.readOnlyRoot,
    // No folders in memory on top of a read-only root but those that were asked for.
    read_write_tmpfs: false,
    privileged: spec.privileged,
    cap_add: spec.capabilitiesAdd,
    cap_drop: spec.capabilitiesDrop,
    no_new_privileges: spec.noNewPrivileges,
    seccomp_profile_path: typeof spec.seccomp === 'object' ? spec.seccomp.path : spec.seccomp,
    pidns: spec.pidNamespace && toNamespace(spec.pidNamespace),
    ipcns: spec.hostIpc ? toNamespace('host') : undefined,
    stdin: spec.stdin,
    terminal: spec.tty,
    r_limits: spec.ulimits?.map(toResourceLimit),
    init: spec.init,
    ...toDnsFields(dns),
    // Podman's own additions, which would change the image under the container: its /etc/hosts, its user in
    // /etc/passwd, mounts for an init that is systemd, the image's health check.
    use_image_hosts: true,
    manage_password: false,
    systemd: 'false',
    healthconfig: noHealthCheck,
    log_configuration: { driver: 'k8s-file', size: noLimitBytes },
  });
}

/** A sandbox as `POST /pods/create` takes it (Podman's PodSpecGenerator). */
export function toPodSpecGenerator(spec: SandboxSpec, infraName: string): Readonly<Record<string, unknown>> {
  return withoutUndefined({
    name: spec.name,
    infra_name: infraName,
    labels: spec.labels,
    hostname: spec.hostname,
    shared_namespaces: ['net', 'ipc', 'uts', ...(spec.sharePids ? ['pid'] : [])],
    netns: { nsmode: spec.hostNetwork ? 'host' : 'bridge' },
    exit_policy: 'continue',
    no_manage_hosts: true,
    ...toDnsFields(spec.dns),
    sysctl: spec.sysctls,
    // The cgroup that its containers have theirs in.
    resource_limits: spec.resources && toLinuxResources(spec.resources),
    portmappings: spec.hostPorts.map((port) => ({
      host_ip: port.hostIp,
      host_port: port.hostPort,
      container_port: port.containerPort,
      protocol: port.protocol,
    })),
  });
}

/** Resources as an update takes them. What is not limited is said so: it may have been before. */
export function toUpdatedResources(resources: Resources): Readonly<Record<string, unknown>> {
  return toLinuxResources({
    ...resources,
    cpuQuotaUs: resources.cpuQuotaUs ?? -1,
    memoryLimitBytes: resources.memoryLimitBytes ?? -1,
  });
}

/** The runtime specification's LinuxResources. */
function toLinuxResources(resources: Resources): Readonly<Record<string, unknown>> {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs, memoryLimitBytes } = resources;
  return {
    cpu: withoutUndefined({ shares: cpuShares, quota: cpuQuotaUs, period: cpuPeriodUs }),
    // Memory and swap together: as much as memory alone, so that nothing is swapped, as under a kubelet.
    memory: withoutUndefined({ limit: memoryLimitBytes, swap: memoryLimitBytes }),
  };
}

function toNamespace(namespace: 'host' | { readonly path: string }): Readonly<Record<string, unknown>> {
  return namespace === 'host' ? { nsmode: 'host' } : { nsmode: 'path', value: namespace.path };
}

/** No limit: the highest number below the kernel's own for it, 2⁶⁴ − 1, that JSON carries unharmed. */
const unlimited = 2 ** 64 - 2048;

function toResourceLimit({ name, soft, hard }: Ulimit): Readonly<Record<string, unknown>> {
  const amount = (limit: number): number => (limit === -1 ? unlimited : limit);
  return { type: name, soft: amount(soft), hard: amount(hard) };
}

function toMount(mount: Mount): Readonly<Record<string, unknown>> {
  switch (mount.kind) {
    case 'bind':
      return {
        type: 'bind',
        source: mount.source,
        destination: mount.target,
        options: ['rbind', 'rprivate', mount.readOnly ? 'ro' : 'rw'],
      };
    case 'tmpfs':
      return {
        type: 'tmpfs',
        source: 'tmpfs',
        destination: mount.target,
        // Podman's default is neither executable nor empty: it copies what the image has at the place.
        options: [
          'rw',
          'exec',
          'suid',
          'dev',
          'notmpcopyup',
          'mode=0777',
          ...(mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`]),
        ],
      };
  }
}

function toDnsFields(dns: Dns | undefined): Readonly<Record<string, unknown>> {
  if (dns === undefined) return {};
  return {
    dns_server: dns.servers,
    // Without any, Podman would take the host's.
    dns_search: dns.searches.length > 0 ? dns.searches : ['.'],
    dns_option: dns.options,
  };
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
