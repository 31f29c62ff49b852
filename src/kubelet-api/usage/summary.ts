import type {
  ContainerUsage,
  CpuUsage,
  FilesystemUsage,
  MemoryUsage,
  NetworkUsage,
  PodUsage,
  SystemUsage,
  Usage,
} from '../../provider/usage.ts';
import { toRfc3339 } from '../../support/clock.ts';
import { nodeTotals, podTotals } from './totals.ts';

export interface SummaryOptions {
  readonly nodeName: string;
  /** Of our process, for a provider that does not say since when its node is up. */
  readonly startedAtMs: number;
  /** `?only_cpu_and_memory=true`: what a metrics-server of old asks for. */
  readonly onlyCpuAndMemory: boolean;
}

/** Usage in the form of kubelet's `/stats/summary` (stats/v1alpha1). What is not known is left out, as kubelet does. */
export function summaryOf(usage: Usage, options: SummaryOptions): object {
  const whole = !options.onlyCpuAndMemory;
  const node = nodeTotals(usage, options.startedAtMs);
  return {
    node: {
      nodeName: options.nodeName,
      systemContainers: node.kubelet === undefined ? undefined : [systemStats('kubelet', node.kubelet)],
      startTime: toRfc3339(node.startedAtMs),
      cpu: cpuStats(node.cpu),
      memory: memoryStats(node.memory),
      network: whole ? networkStats(node.network) : undefined,
      fs: whole ? fsStats(node.filesystem) : undefined,
      // Writable layers are kept where images are.
      runtime:
        whole && node.imageFilesystem
          ? { imageFs: fsStats(node.imageFilesystem), containerFs: fsStats(node.imageFilesystem) }
          : undefined,
      swap: whole ? swapStats(node.memory) : undefined,
    },
    pods: usage.pods.map((pod) => podStats(pod, whole)),
  };
}

function systemStats(name: string, { startedAtMs, cpu, memory }: SystemUsage): object {
  return { name, startTime: toRfc3339(startedAtMs), cpu: cpuStats(cpu), memory: memoryStats(memory) };
}

function podStats(pod: PodUsage, whole: boolean): object {
  const { cpu, memory } = podTotals(pod);
  const cpuAndMemory = {
    podRef: { name: pod.ref.name, namespace: pod.ref.namespace, uid: pod.ref.uid },
    startTime: toRfc3339(pod.startedAtMs),
    containers: pod.containers.map((container) => containerStats(container, whole)),
    cpu: cpuStats(cpu),
    memory: memoryStats(memory),
  };
  if (!whole) return cpuAndMemory;
  return {
    ...cpuAndMemory,
    network: networkStats(pod.network),
    volume: pod.volumes?.map((volume) => ({
      ...fsStats(volume),
      name: volume.name,
      pvcRef: volume.claim === undefined ? undefined : { name: volume.claim, namespace: pod.ref.namespace },
    })),
    swap: swapStats(memory),
    'ephemeral-storage': fsStats(pod.ephemeralStorage),
    process_stats: pod.processes === undefined ? undefined : { process_count: pod.processes },
  };
}

function containerStats(container: ContainerUsage, whole: boolean): object {
  return {
    name: container.name,
    startTime: toRfc3339(container.startedAtMs),
    cpu: cpuStats(container.cpu),
    memory: memoryStats(container.memory),
    rootfs: whole ? fsStats(container.rootfs) : undefined,
    logs: whole ? fsStats(container.logs) : undefined,
    swap: whole ? swapStats(container.memory) : undefined,
  };
}

function cpuStats(cpu: CpuUsage | undefined): object | undefined {
  return (
    cpu && {
      time: toRfc3339(cpu.timeMs),
      usageNanoCores: whole(cpu.rateNs),
      usageCoreNanoSeconds: whole(cpu.totalNs),
    }
  );
}

function memoryStats(memory: MemoryUsage | undefined): object | undefined {
  return (
    memory && {
      time: toRfc3339(memory.timeMs),
      availableBytes: whole(memory.availableBytes),
      usageBytes: whole(memory.usageBytes),
      workingSetBytes: whole(memory.workingSetBytes),
      rssBytes: whole(memory.rssBytes),
      pageFaults: whole(memory.pageFaults),
      majorPageFaults: whole(memory.majorPageFaults),
    }
  );
}

function swapStats(memory: MemoryUsage | undefined): object | undefined {
  if (memory?.swapBytes === undefined) return undefined;
  return { time: toRfc3339(memory.timeMs), swapUsageBytes: whole(memory.swapBytes) };
}

function networkStats(network: NetworkUsage | undefined): object | undefined {
  const interfaces = network?.interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes: whole(rxBytes),
    rxErrors: whole(rxErrors),
    txBytes: whole(txBytes),
    txErrors: whole(txErrors),
  }));
  return network && { time: toRfc3339(network.timeMs), ...(interfaces?.[0] ?? { name: '' }), interfaces };
}

function fsStats(fs: FilesystemUsage | undefined): object | undefined {
  return (
    fs && {
      time: toRfc3339(fs.timeMs),
      availableBytes: whole(fs.availableBytes),
      capacityBytes: whole(fs.capacityBytes),
      usedBytes: whole(fs.usedBytes),
      inodesFree: whole(fs.inodesFree),
      inodes: whole(fs.inodes),
      inodesUsed: whole(fs.inodesUsed),
    }
  );
}

/** Go's readers take whole numbers only, and no negative ones. */
function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(0, Math.round(value));
}
