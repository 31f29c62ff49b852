import type { NodeOffer } from '../../provider/provider.ts';
import type { RuntimeVersion } from '../../runtime/runtime.ts';
import type { PodmanConfig } from './config.ts';

/** What the node has: what is configured, else what Podman says of its machine. */
export function nodeOffer(version: RuntimeVersion, config: PodmanConfig): NodeOffer {
  const storage = config.storage ?? inKi(version.storageBytes);
  return {
    capacity: {
      cpu: config.cpu ?? String(version.cpus),
      memory: config.memory ?? inKi(version.memoryBytes),
      pods: config.pods,
      storage,
      'ephemeral-storage': storage,
    },
    architecture: version.architecture,
    operatingSystem: version.operatingSystem,
    osImage: version.osImage,
    kernelVersion: version.kernelVersion,
    containerRuntimeVersion: `${version.name}://${version.version}`,
  };
}

/** As kubelet writes memory. */
function inKi(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`;
}
