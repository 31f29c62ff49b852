import type { FilesystemUsage, Usage } from '../../provider/usage.ts';
import type { MetricFamily, Sample } from './exposition.ts';

/** What dashboards look for in kubelet's own `/metrics`: the node's name to join by, and how full claimed volumes are. */
export function* kubeletMetrics(
  usage: Pick<Usage, 'pods'>,
  { nodeName }: { readonly nodeName: string },
): Generator<MetricFamily> {
  yield {
    name: 'kubelet_node_name',
    help: "The node's name. The count is always 1.",
    type: 'gauge',
    samples: [{ labels: { node: nodeName }, value: 1 }],
  };
  for (const [name, help, read] of volumeStats) {
    yield { name: `kubelet_volume_stats_${name}`, help, type: 'gauge', samples: ofClaims(usage, read) };
  }
}

type Read = (volume: FilesystemUsage) => number | undefined;

const volumeStats: readonly (readonly [name: string, help: string, read: Read])[] = [
  ['capacity_bytes', 'Capacity in bytes of the volume', (volume) => volume.capacityBytes],
  ['available_bytes', 'Number of available bytes in the volume', (volume) => volume.availableBytes],
  ['used_bytes', 'Number of used bytes in the volume', (volume) => volume.usedBytes],
  ['inodes', 'Maximum number of inodes in the volume', (volume) => volume.inodes],
  ['inodes_free', 'Number of free inodes in the volume', (volume) => volume.inodesFree],
  ['inodes_used', 'Number of used inodes in the volume', (volume) => volume.inodesUsed],
];

/** A claim once, however many pods mount it. */
function* ofClaims(usage: Pick<Usage, 'pods'>, read: Read): Generator<Sample> {
  const seen = new Set<string>();
  for (const { ref, volumes } of usage.pods) {
    for (const volume of volumes ?? []) {
      const key = `${ref.namespace}/${volume.claim}`;
      const value = read(volume);
      if (volume.claim === undefined || value === undefined || seen.has(key)) continue;
      seen.add(key);
      yield { labels: { namespace: ref.namespace, persistentvolumeclaim: volume.claim }, value };
    }
  }
}
