import { readSmallFile } from './read-small-file.ts';

/** The name of a block device under `/dev` by its numbers, `8:0`; the numbers where it has none. */
export type DeviceName = (numbers: string) => string;

/** From the devices' own pages in /sys, each read once: a machine has few, and the same numbers stay the same disk. */
export function deviceNames(sysPath: string): DeviceName {
  const known = new Map<string, string>();
  return (numbers) => {
    const name = known.get(numbers) ?? readName(sysPath, numbers);
    known.set(numbers, name);
    return name;
  };
}

function readName(sysPath: string, numbers: string): string {
  const name = /^DEVNAME=(.+)$/m.exec(readSmallFile(`${sysPath}/dev/block/${numbers}/uevent`) ?? '')?.[1];
  return name === undefined ? numbers : `/dev/${name}`;
}
