import type { NodeOffer } from '../../provider/provider.ts';
import type { FargateConfig } from './config.ts';

/** AWS's own DaemonSets stay away from nodes with it. */
const computeTypeLabel = { 'eks.amazonaws.com/compute-type': 'fargate' };

/** The Go provider's conditions, in its words; of Ready no more than the words, the ping says whether it is. */
const conditions = (
  [
    ['Ready', 'True'],
    ['OutOfDisk', 'False'],
    ['MemoryPressure', 'False'],
    ['DiskPressure', 'False'],
    ['NetworkUnavailable', 'False'],
    ['KubeletConfigOk', 'True'],
  ] as const
).map(([type, status]) => ({ type, status, reason: 'Fargate cluster is ready', message: 'ok' }));

/** The node, which is as large as its configuration says: Fargate itself has no end. */
export function nodeOffer(config: FargateConfig, clusterArn: string): NodeOffer {
  const { capacity, architecture, operatingSystem, platformVersion, computeTypeLabel: isLabelled } = config;
  const { cpu, memory, storage, pods } = capacity;
  return {
    capacity: { cpu, memory, storage, 'ephemeral-storage': storage, pods },
    architecture,
    operatingSystem,
    containerRuntimeVersion: `fargate://${platformVersion === 'LATEST' ? '1.4.0' : platformVersion}`,
    osImage: 'AWS Fargate',
    conditions,
    labels: { 'topology.kubernetes.io/region': config.region, ...(isLabelled ? computeTypeLabel : {}) },
    providerId: `fargate:///${clusterArn}`,
  };
}
