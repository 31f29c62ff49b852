import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { ContainerUsage, NetworkUsage, PodUsage, Usage } from '../../provider/usage.ts';
import type { MetricFamily, Sample } from './exposition.ts';

const nsInSecond = 1e9;

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
  const interfaces = usage.pods.flatMap(interfaceRows);
  const family = (
    name: string,
    type: MetricFamily['type'],
    help: string,
    read: (container: ContainerUsage) => { readonly value: number | undefined; readonly timeMs?: number | undefined },
    extra: Readonly<Record<string, string>> = {},
  ): MetricFamily => ({ name: `container_${name}`, type, help, samples: samplesOf(rows, read, extra) });
  const network = (name: string, help: string, read: (usage: InterfaceRow['usage']) => number): MetricFamily => ({
    name: `container_network_${name}_total`,
    type: 'counter',
    help,
    samples: interfaces.map(({ labels, timeMs, usage: one }) => ({ labels, value: read(one), timeMs })),
  });

  yield family(
    'cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed in seconds.',
    ({ cpu }) => ({ value: cpu && cpu.totalNs / nsInSecond, timeMs: cpu?.timeMs }),
    { cpu: 'total' },
  );
  yield family('memory_working_set_bytes', 'gauge', 'Current working set in bytes.', ({ memory }) => ({
    value: memory?.workingSetBytes,
    timeMs: memory?.timeMs,
  }));
  yield family(
    'memory_usage_bytes',
    'gauge',
    'Current memory usage in bytes, including all memory regardless of when it was accessed.',
    ({ memory }) => ({ value: memory?.usageBytes, timeMs: memory?.timeMs }),
  );
  yield family('memory_rss', 'gauge', 'Size of RSS in bytes.', ({ memory }) => ({
    value: memory?.rssBytes,
    timeMs: memory?.timeMs,
  }));
  yield family(
    'fs_usage_bytes',
    'gauge',
    'Number of bytes that are consumed by the container on this filesystem.',
    ({ rootfs }) => ({ value: rootfs?.usedBytes, timeMs: rootfs?.timeMs }),
  );
  yield family(
    'start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds.',
    ({ startedAtMs }) => ({ value: startedAtMs / 1000 }),
  );
  yield network('receive_bytes', 'Cumulative count of bytes received', ({ rxBytes }) => rxBytes);
  yield network('receive_errors', 'Cumulative count of errors encountered while receiving', ({ rxErrors }) => rxErrors);
  yield network('transmit_bytes', 'Cumulative count of bytes transmitted', ({ txBytes }) => txBytes);
  yield network('transmit_errors', 'Cumulative count of errors encountered while transmitting', (one) => one.txErrors);
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

function* samplesOf(
  rows: readonly Row[],
  read: (container: ContainerUsage) => { readonly value: number | undefined; readonly timeMs?: number | undefined },
  extra: Readonly<Record<string, string>>,
): Generator<Sample> {
  for (const { labels, container } of rows) {
    const { value, timeMs } = read(container);
    if (value !== undefined) yield { labels: { ...labels, ...extra }, value, timeMs };
  }
}
