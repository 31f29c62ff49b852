import type { ContainerSample, InterfaceSample } from '../../runtime/usage.ts';

/** What a container and the machine around it have used by one moment. */
export interface Look {
  readonly sample: ContainerSample;
  /** Of its network; other containers of the task have the same. */
  readonly interfaces: readonly InterfaceSample[];
  readonly machine: { readonly cpuTotalNs: number; readonly cpus: number };
}

/**
 * Two looks in the form of Docker's ContainerStats (its API 1.30), with ECS's rates of the network beside it. What
 * nobody here measures is left out, or an empty list where Docker has a list.
 */
export function statsView(
  before: Look,
  now: Look,
  container: { readonly id: string; readonly name: string; readonly memoryLimitBytes: number },
): Record<string, unknown> {
  const { sample, interfaces } = now;
  return {
    read: isoTime(sample),
    preread: isoTime(before.sample),
    num_procs: 0,
    pids_stats: {},
    blkio_stats: { io_service_bytes_recursive: [], io_serviced_recursive: [] },
    storage_stats: {},
    cpu_stats: cpu(now),
    precpu_stats: cpu(before),
    memory_stats: memory(sample, container.memoryLimitBytes),
    name: container.name,
    id: container.id,
    networks: Object.fromEntries(interfaces.map((it) => [it.name, network(it)])),
    network_rate_stats: networkRates(before, now),
  };
}

function cpu({ sample, machine }: Look): Record<string, unknown> {
  return {
    cpu_usage: { total_usage: sample.cpuTotalNs },
    system_cpu_usage: machine.cpuTotalNs,
    online_cpus: machine.cpus,
  };
}

/** The kernel's names as in cgroup v1, where `total_` includes cgroups below; there are none below a container's. */
function memory(sample: ContainerSample, limitBytes: number): Record<string, unknown> {
  const inactiveFile = sample.usageBytes - sample.workingSetBytes;
  const { rssBytes, pageFaults, majorPageFaults } = sample;
  return {
    usage: sample.usageBytes,
    stats: {
      rss: rssBytes,
      inactive_file: inactiveFile,
      pgfault: pageFaults,
      pgmajfault: majorPageFaults,
      total_rss: rssBytes,
      total_inactive_file: inactiveFile,
      total_pgfault: pageFaults,
      total_pgmajfault: majorPageFaults,
    },
    limit: limitBytes,
  };
}

function network({ rxBytes, rxErrors, txBytes, txErrors, packets }: InterfaceSample): Record<string, number> {
  return {
    rx_bytes: rxBytes,
    rx_packets: packets?.rx ?? 0,
    rx_errors: rxErrors,
    rx_dropped: packets?.rxDropped ?? 0,
    tx_bytes: txBytes,
    tx_packets: packets?.tx ?? 0,
    tx_errors: txErrors,
    tx_dropped: packets?.txDropped ?? 0,
  };
}

function networkRates(before: Look, now: Look): Record<string, number> {
  const seconds = (now.sample.timeMs - before.sample.timeMs) / 1000;
  const rate = (bytesOf: (one: InterfaceSample) => number): number => {
    const total = ({ interfaces }: Look): number => interfaces.reduce((sum, one) => sum + bytesOf(one), 0);
    return Math.max(total(now) - total(before), 0) / seconds;
  };
  return { rx_bytes_per_sec: rate(({ rxBytes }) => rxBytes), tx_bytes_per_sec: rate(({ txBytes }) => txBytes) };
}

function isoTime({ timeMs }: ContainerSample): string {
  return new Date(timeMs).toISOString();
}
