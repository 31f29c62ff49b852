import type { CpuUsage, MemoryUsage, Usage } from '../../provider/usage.ts';
import type { MetricFamily, Sample } from './exposition.ts';
import { nodeTotals, podTotals } from './totals.ts';

const nsInSecond = 1e9;
type Labels = Sample['labels'];

/** kubelet's `/metrics/resource`: what a metrics-server reads, and so `kubectl top` and autoscalers. */
export function* resourceMetrics(usage: Usage, options: { readonly startedAtMs: number }): Generator<MetricFamily> {
  const node = nodeTotals(usage, options.startedAtMs);
  yield {
    name: 'container_cpu_usage_seconds_total',
    help: 'Cumulative cpu time consumed by the container in core-seconds',
    type: 'counter',
    samples: ofContainers(usage, (labels, { cpu }) => cpuSample(labels, cpu)),
  };
  yield {
    name: 'container_memory_working_set_bytes',
    help: 'Current working set of the container in bytes',
    type: 'gauge',
    samples: ofContainers(usage, (labels, { memory }) => memorySample(labels, memory)),
  };
  yield {
    name: 'container_swap_usage_bytes',
    help: 'Current amount of the container swap usage in bytes. Reported only on non-windows systems',
    type: 'gauge',
    samples: ofContainers(usage, (labels, { memory }) => swapSample(labels, memory)),
  };
  yield {
    name: 'container_start_time_seconds',
    help: 'Start time of the container since unix epoch in seconds',
    type: 'gauge',
    samples: ofContainers(usage, (labels, { startedAtMs }) => ({ labels, value: startedAtMs / 1000 })),
  };
  yield {
    name: 'node_cpu_usage_seconds_total',
    help: 'Cumulative cpu time consumed by the node in core-seconds',
    type: 'counter',
    samples: known([cpuSample({}, node.cpu)]),
  };
  yield {
    name: 'node_memory_working_set_bytes',
    help: 'Current working set of the node in bytes',
    type: 'gauge',
    samples: known([memorySample({}, node.memory)]),
  };
  yield {
    name: 'node_swap_usage_bytes',
    help: 'Current swap usage of the node in bytes. Reported only on non-windows systems',
    type: 'gauge',
    samples: known([swapSample({}, node.memory)]),
  };
  yield {
    name: 'pod_cpu_usage_seconds_total',
    help: 'Cumulative cpu time consumed by the pod in core-seconds',
    type: 'counter',
    samples: known(usage.pods.map((pod) => cpuSample(podLabels(pod.ref), podTotals(pod).cpu))),
  };
  yield {
    name: 'pod_memory_working_set_bytes',
    help: 'Current working set of the pod in bytes',
    type: 'gauge',
    samples: known(usage.pods.map((pod) => memorySample(podLabels(pod.ref), podTotals(pod).memory))),
  };
  yield {
    name: 'pod_swap_usage_bytes',
    help: 'Current amount of the pod swap usage in bytes. Reported only on non-windows systems',
    type: 'gauge',
    samples: known(usage.pods.map((pod) => swapSample(podLabels(pod.ref), podTotals(pod).memory))),
  };
  yield* scrapeError(0);
}

/** Whether usage could be read: 1 where it could not, and nothing else is known. */
export function* scrapeError(value: 0 | 1): Generator<MetricFamily> {
  const help = '1 if there was an error while getting container metrics, 0 otherwise';
  yield { name: 'resource_scrape_error', help, type: 'gauge', samples: [{ labels: {}, value }] };
  // Its former name.
  yield { name: 'scrape_error', help, type: 'gauge', samples: [{ labels: {}, value }] };
}

function* ofContainers(
  usage: Usage,
  sample: (labels: Labels, container: Usage['pods'][number]['containers'][number]) => Sample | undefined,
): Generator<Sample> {
  for (const { ref, containers } of usage.pods) {
    for (const container of containers) {
      // The pod comes second, here and in `podLabels`: the Go virtual kubelet's suite finds it by its place.
      const labels = { container: container.name, pod: ref.name, namespace: ref.namespace };
      const given = sample(labels, container);
      if (given !== undefined) yield given;
    }
  }
}

function podLabels(ref: { readonly namespace: string; readonly name: string }): Labels {
  return { namespace: ref.namespace, pod: ref.name };
}

function cpuSample(labels: Labels, cpu: CpuUsage | undefined): Sample | undefined {
  return cpu && { labels, value: cpu.totalNs / nsInSecond, timeMs: cpu.timeMs };
}

function memorySample(labels: Labels, memory: MemoryUsage | undefined): Sample | undefined {
  return memory && { labels, value: memory.workingSetBytes, timeMs: memory.timeMs };
}

function swapSample(labels: Labels, memory: MemoryUsage | undefined): Sample | undefined {
  if (memory?.swapBytes === undefined) return undefined;
  return { labels, value: memory.swapBytes, timeMs: memory.timeMs };
}

function known(samples: readonly (Sample | undefined)[]): Sample[] {
  return samples.filter((sample) => sample !== undefined);
}
