import type { InterfaceSample } from '../../usage.ts';
import { readSmallFile } from './read-small-file.ts';

/**
 * The interface that this machine's default route goes through; undefined where there is none. Only that one: beside it
 * stands one for each pod, and those are counted as the pods'.
 */
export function readMachineNetwork(procPath = '/proc', sysPath = '/sys'): InterfaceSample | undefined {
  const name = defaultInterface(readSmallFile(`${procPath}/self/net/route`) ?? '');
  if (name === undefined) return undefined;
  const count = (what: string): number => Number(readSmallFile(`${sysPath}/class/net/${name}/statistics/${what}`) ?? 0);
  return {
    name,
    rxBytes: count('rx_bytes'),
    rxErrors: count('rx_errors'),
    txBytes: count('tx_bytes'),
    txErrors: count('tx_errors'),
  };
}

/** Of `/proc/net/route`: interface and destination come first in each line, and zeros mean everywhere. */
function defaultInterface(routes: string): string | undefined {
  const lines = routes.split('\n').map((line) => line.split('\t'));
  return lines.find(([, destination]) => destination === '00000000')?.[0];
}
