const gib = 1024;

/** Memory in MiB that Fargate offers with so many CPU units: from, to, in steps of; or a list. */
const sizes: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, gib, 2 * gib]],
  [512, steps(1, 4, 1)],
  [1024, steps(2, 8, 1)],
  [2048, steps(4, 16, 1)],
  [4096, steps(8, 30, 1)],
  [8192, steps(16, 60, 4)],
  [16_384, steps(32, 120, 8)],
  [32_768, [60 * gib, 120 * gib, 244 * gib]],
]);

function steps(fromGib: number, toGib: number, stepGib: number): readonly number[] {
  const count = Math.floor((toGib - fromGib) / stepGib) + 1;
  return Array.from({ length: count }, (_, index) => (fromGib + index * stepGib) * gib);
}

/** Whether Fargate has a task of this size. */
export function isFargateSize(cpuUnits: number, memoryMib: number): boolean {
  return sizes.get(cpuUnits)?.includes(memoryMib) ?? false;
}

/** Whether a Windows task may have so much CPU: one vCPU at least, and what is beyond four is Linux's. */
export function isWindowsSize(cpuUnits: number): boolean {
  return cpuUnits >= 1024 && cpuUnits <= 4096;
}

/** What to say of a size that there is not, in Fargate's words. */
export function noSuchSize(cpuUnits: number, memoryMib: number): string {
  return (
    `No Fargate configuration exists for given values: ${cpuUnits} CPU, ${memoryMib} memory. ` +
    'See the Amazon ECS documentation for the valid values.'
  );
}
