import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { podLimits, podRequests } from '../../../podspec/resources/pod-resources.ts';
import { formatQuantity, milliUnits, parseQuantity, wholeUnits } from '../../../podspec/resources/quantity.ts';
import { largerOf, resourceAmounts } from '../../../podspec/resources/resource-list.ts';

/** What a task has, in ECS's units: 1024 CPU units are one vCPU. */
export interface TaskSize {
  readonly cpuUnits: number;
  readonly memoryMib: number;
}

const mib = 2 ** 20;
const gib = 2 ** 30;

function steps(fromGib: number, toGib: number, byGib: number): number[] {
  const count = (toGib - fromGib) / byGib + 1;
  return Array.from({ length: count }, (_, index) => (fromGib + index * byGib) * 1024);
}

/** The sizes that Fargate offers, the cheaper ones first. */
const sizes: readonly { readonly cpuUnits: number; readonly memoryMib: readonly number[] }[] = [
  { cpuUnits: 256, memoryMib: [512, 1024, 2048] },
  { cpuUnits: 512, memoryMib: steps(1, 4, 1) },
  { cpuUnits: 1024, memoryMib: steps(2, 8, 1) },
  { cpuUnits: 2048, memoryMib: steps(4, 16, 1) },
  { cpuUnits: 4096, memoryMib: steps(8, 30, 1) },
  { cpuUnits: 8192, memoryMib: steps(16, 60, 4) },
  { cpuUnits: 16_384, memoryMib: steps(32, 120, 8) },
  { cpuUnits: 32_768, memoryMib: [60 * 1024, 120 * 1024, 244 * 1024] },
];

/** Windows tasks are of these alone. */
const windowsCpuUnits: readonly number[] = [1024, 2048, 4096];

/** The smallest size that has at least this; undefined where there is none. */
export function smallestSize(needed: TaskSize, operatingSystem: 'linux' | 'windows'): TaskSize | undefined {
  for (const { cpuUnits, memoryMib } of sizes) {
    if (cpuUnits < needed.cpuUnits) continue;
    if (operatingSystem === 'windows' && !windowsCpuUnits.includes(cpuUnits)) continue;
    const enough = memoryMib.find((each) => each >= needed.memoryMib);
    if (enough !== undefined) return { cpuUnits, memoryMib: enough };
  }
  return undefined;
}

/** What a pod needs, unrounded. */
export interface PodNeeds {
  readonly milliCpu: number;
  readonly memoryMib: number;
  /** Of disk, what volumes are allowed to hold included. */
  readonly storageGib: number;
}

/**
 * What a pod may come to use at one time: of each container the larger of request and limit, added up as the scheduler
 * does. A task shares with nobody, so what it does not have at its start it never gets.
 */
export function podNeeds(pod: Pod): PodNeeds {
  const spec = pod.spec && {
    ...pod.spec,
    containers: pod.spec.containers.map(withLargerRequests),
    ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map(withLargerRequests) }),
  };
  const needed = largerOf(podRequests({ ...pod, ...(spec && { spec }) }), podLimits(pod));
  const bytesOf = (name: string): number => wholeUnits(needed.get(name) ?? 0n);
  return {
    milliCpu: milliUnits(needed.get('cpu') ?? 0n),
    memoryMib: Math.ceil(bytesOf('memory') / mib),
    storageGib: Math.ceil(Math.max(bytesOf('ephemeral-storage'), volumeBytes(pod)) / gib),
  };
}

/** Of volumes on disk, as far as they have a limit. */
function volumeBytes({ spec }: Pod): number {
  return (spec?.volumes ?? []).reduce((sum, { emptyDir }) => {
    return emptyDir?.sizeLimit && !emptyDir.medium ? sum + wholeUnits(parseQuantity(emptyDir.sizeLimit)) : sum;
  }, 0);
}

/** CPU units for thousandths of a core, rounded up. */
export function cpuUnitsFromMilliCpu(milliCpu: number): number {
  return Math.ceil((milliCpu * 1024) / 1000);
}

/** As EKS writes it on pods of its Fargate: `0.25vCPU 0.5GB`. */
export function sizeText({ cpuUnits, memoryMib }: TaskSize): string {
  return `${cpuUnits / 1024}vCPU ${memoryMib / 1024}GB`;
}

/** The container with the larger of request and limit of each resource as its request. */
function withLargerRequests(container: Container): Container {
  const { requests, limits } = container.resources ?? {};
  const larger = largerOf(resourceAmounts(requests), resourceAmounts(limits));
  const quantities = [...larger].map(([name, amount]) => [name, formatQuantity(amount)]);
  return { ...container, resources: { ...container.resources, requests: Object.fromEntries(quantities) } };
}
