import { readFilesystem } from '../../engine/disk/filesystem.ts';
import { milliUnits, parseQuantity } from '../../podspec/resources/quantity.ts';
import type { NodeOffer } from '../../provider/provider.ts';
import type { FilesystemUsage, NodeUsage } from '../../provider/usage.ts';
import type { InterfaceSample } from '../../runtime/usage.ts';

/**
 * What the node has, and how full the file systems are that its pods share: the one of `rootDir` and Podman's own. CPU
 * and memory in use are left to the sum of the pods: the machine may do other things.
 */
export async function readNodeUsage({
  capacity,
  rootDir,
  storagePath,
  network,
  timeMs,
}: {
  readonly capacity: NodeOffer['capacity'];
  readonly rootDir: string;
  readonly storagePath: string | undefined;
  readonly network: InterfaceSample | undefined;
  readonly timeMs: number;
}): Promise<NodeUsage> {
  const [filesystem, imageFilesystem] = await Promise.all([
    filesystemOf(rootDir, timeMs),
    storagePath === undefined ? undefined : filesystemOf(storagePath, timeMs),
  ]);
  return {
    ...(filesystem === undefined ? {} : { filesystem }),
    ...(imageFilesystem === undefined ? {} : { imageFilesystem }),
    ...(network === undefined ? {} : { network: { timeMs, interfaces: [network] } }),
    capacity: { cpus: inWhole(capacity.cpu), memoryBytes: inWhole(capacity.memory) },
  };
}

/** Cores are not whole where the node offers part of one. */
function inWhole(quantity: string | undefined): number {
  return milliUnits(parseQuantity(quantity ?? '0')) / 1000;
}

async function filesystemOf(path: string, timeMs: number): Promise<FilesystemUsage | undefined> {
  const filesystem = await readFilesystem(path);
  return filesystem && { timeMs, ...filesystem };
}
