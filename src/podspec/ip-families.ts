import { isIPv6 } from 'node:net';

/**
 * The first address of the family that the node's own address has, then the first of the other family: what kubelet
 * makes of the addresses a runtime reports. `primary` undefined counts as IPv4.
 */
export function oneOfEachFamily(ips: readonly string[], primary: string | undefined): string[] {
  const primaryIsV6 = primary !== undefined && isIPv6(primary);
  const first = ips.find((ip) => isIPv6(ip) === primaryIsV6);
  const second = ips.find((ip) => isIPv6(ip) !== primaryIsV6);
  return [first, second].filter((ip) => ip !== undefined);
}
