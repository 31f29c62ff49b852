import type { ProbeCount } from '../../provider/usage.ts';
import type { MetricFamily, Sample } from './exposition.ts';

/** kubelet's `/metrics/probes`: how often the probes of each container have ended how. */
export function* probeMetrics(counts: Iterable<ProbeCount>): Generator<MetricFamily> {
  yield {
    name: 'prober_probe_total',
    help: 'Cumulative number of a liveness, readiness or startup probe for a container by result.',
    type: 'counter',
    samples: samplesOf(counts),
  };
}

function* samplesOf(counts: Iterable<ProbeCount>): Generator<Sample> {
  for (const { pod, container, probe, ...results } of counts) {
    for (const result of ['successful', 'failed', 'unknown'] as const) {
      // As with kubelet, a result that never was is not there.
      if (results[result] === 0) continue;
      const labels = {
        container,
        namespace: pod.namespace,
        pod: pod.name,
        pod_uid: pod.uid,
        probe_type: probe,
        result,
      };
      yield { labels, value: results[result] };
    }
  }
}
