import type { Pod } from '../../kubernetes/objects.ts';
import { podLimits } from '../../podspec/resources/pod-resources.ts';
import { formatQuantity, parseQuantity, wholeUnits } from '../../podspec/resources/quantity.ts';

/** What a pod takes of the disk, in bytes. What is not known yet is left out. */
export interface StorageUse {
  /** Layers and logs, by the container's name. */
  readonly containers: ReadonlyMap<string, number>;
  /** emptyDir volumes on disk, by name. */
  readonly volumes: ReadonlyMap<string, number>;
}

const resource = 'ephemeral-storage';

/** Kubernetes' SystemCriticalPriority: from there on a kubelet's eviction manager leaves a pod alone. */
const criticalPriority = 2_000_000_000;

/** Whether the pod has limits that are kept. */
export function hasStorageLimits({ spec }: Pod): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  if ((spec?.priority ?? 0) >= criticalPriority) return false;
  return (
    containers.some(({ resources }) => resources?.limits?.[resource] !== undefined) ||
    (spec?.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && !emptyDir.medium)
  );
}

/** Which limit the pod has gone over, in the words of kubelet's eviction manager; undefined for none. */
export function storageExcess(pod: Pod, use: StorageUse): string | undefined {
  return excessOfVolume(pod, use) ?? excessOfPod(pod, use) ?? excessOfContainer(pod, use);
}

function excessOfVolume({ spec }: Pod, { volumes }: StorageUse): string | undefined {
  const found = (spec?.volumes ?? []).find(({ name, emptyDir }) =>
    isOver(volumes.get(name), emptyDir?.sizeLimit, { zeroIsNone: true }),
  );
  return found && `Usage of EmptyDir volume "${found.name}" exceeds the limit "${found.emptyDir?.sizeLimit}". `;
}

function excessOfPod(pod: Pod, { containers, volumes }: StorageUse): string | undefined {
  const limit = podLimits(pod).get(resource);
  if (limit === undefined) return undefined;
  const used = [...containers.values(), ...volumes.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (used <= wholeUnits(limit)) return undefined;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(limit, 'binary')}. `;
}

function excessOfContainer({ spec }: Pod, { containers }: StorageUse): string | undefined {
  const limitOf = (resources: { limits?: Readonly<Record<string, string>> } | undefined): string | undefined =>
    resources?.limits?.[resource];
  // Init containers and sidecars count for the sum alone.
  const found = (spec?.containers ?? []).find(({ name, resources }) =>
    isOver(containers.get(name), limitOf(resources)),
  );
  return found && `Container ${found.name} exceeded its local ephemeral storage limit "${limitOf(found.resources)}". `;
}

function isOver(
  bytes: number | undefined,
  limit: string | undefined,
  { zeroIsNone = false }: { readonly zeroIsNone?: boolean } = {},
): boolean {
  if (bytes === undefined || limit === undefined) return false;
  const limitBytes = wholeUnits(parseQuantity(limit));
  return bytes > limitBytes && !(zeroIsNone && limitBytes === 0);
}
