import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { ContainerUsage, NetworkUsage, PodUsage, Usage } from '../../provider/usage.ts';
import { type ContainerFamily, containerFamilies } from './container-families.ts';
import type { MetricFamily, Sample } from './exposition.ts';
import { networkFamilies } from './network-families.ts';

/** What dashboards group and join by; every row has all of them. */
type Labels = Record<'container' | 'id' | 'image' | 'name' | 'namespace' | 'pod', string>;

interface Row {
  readonly labels: Labels;
  readonly container: ContainerUsage;
}

interface InterfaceRow {
  readonly labels: Labels & { readonly interface: string };
  readonly timeMs: number;
  readonly usage: NetworkUsage['interfaces'][number];
}

type Observed = (uid: string) => ObservedPod | undefined;

/**
 * kubelet's `/metrics/cadvisor`, as far as the provider's usage goes: the names and labels that the common dashboards
 * ask for. Rows are containers; networks belong to the pod and have an empty container.
 */
export function* cadvisorMetrics(usage: Usage, observed: Observed): Generator<MetricFamily> {
  const rows = usage.pods.flatMap((pod) => containerRows(pod, observed));
  for (const family of containerFamilies) {
    yield { name: `container_${family.name}`, type: family.type, help: family.help, samples: samplesOf(rows, family) };
  }
  const interfaces = usage.pods.flatMap(interfaceRows);
  for (const { name, help, read } of networkFamilies) {
    yield {
      name: `container_network_${name}_total`,
      type: 'counter',
      help,
      samples: interfaceSamples(interfaces, read),
    };
  }
  yield* machineMetrics(usage);
}

/** Without cAdvisor's labels for the machine's own identifiers: a virtual node has none, and its name is the scraper's. */
function* machineMetrics({ node }: Usage): Generator<MetricFamily> {
  if (node?.capacity === undefined) return;
  const { cpus, memoryBytes } = node.capacity;
  yield {
    name: 'machine_cpu_cores',
    type: 'gauge',
    help: 'Number of logical CPU cores.',
    samples: [{ labels: {}, value: cpus }],
  };
  yield {
    name: 'machine_memory_bytes',
    type: 'gauge',
    help: 'Amount of memory installed on the machine.',
    samples: [{ labels: {}, value: memoryBytes }],
  };
}

function containerRows({ ref, containers }: PodUsage, observed: Observed): Row[] {
  const states = observed(ref.uid)?.containers;
  return containers.map((container) => {
    const state = states?.find(({ name }) => name === container.name);
    // `podman://<id>` in the status, the id alone here.
    const id = state?.containerId?.replace(/^.*:\/\//, '') ?? '';
    return {
      container,
      labels: {
        container: container.name,
        id: `/kubepods/pod${ref.uid}/${id || container.name}`,
        // Dashboards leave out rows without an image: those are cgroups to them, not containers.
        image: state?.image || container.name,
        name: id,
        namespace: ref.namespace,
        pod: ref.name,
      },
    };
  });
}

function interfaceRows({ ref, network }: PodUsage): InterfaceRow[] {
  const labels = { container: '', id: `/kubepods/pod${ref.uid}`, image: '', name: '', namespace: ref.namespace };
  return (network?.interfaces ?? []).map((usage) => ({
    labels: { ...labels, pod: ref.name, interface: usage.name },
    timeMs: network?.timeMs ?? 0,
    usage,
  }));
}

function* samplesOf(rows: readonly Row[], { read }: ContainerFamily): Generator<Sample> {
  for (const { labels, container } of rows) {
    for (const { value, timeMs, labels: own } of read(container)) {
      if (value !== undefined) yield { labels: own === undefined ? labels : { ...labels, ...own }, value, timeMs };
    }
  }
}

function* interfaceSamples(
  rows: readonly InterfaceRow[],
  read: (usage: InterfaceRow['usage']) => number | undefined,
): Generator<Sample> {
  for (const { labels, timeMs, usage } of rows) {
    const value = read(usage);
    if (value !== undefined) yield { labels, value, timeMs };
  }
}
