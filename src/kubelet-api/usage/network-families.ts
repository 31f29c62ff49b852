import type { NetworkUsage } from '../../provider/usage.ts';

type Interface = NetworkUsage['interfaces'][number];

interface NetworkFamily {
  /** Between `container_network_` and `_total`. */
  readonly name: string;
  readonly help: string;
  readonly read: (usage: Interface) => number | undefined;
}

/** What cAdvisor counts of each interface, in its words. */
export const networkFamilies: readonly NetworkFamily[] = [
  { name: 'receive_bytes', help: 'Cumulative count of bytes received', read: (it) => it.rxBytes },
  {
    name: 'receive_errors',
    help: 'Cumulative count of errors encountered while receiving',
    read: (it) => it.rxErrors,
  },
  { name: 'receive_packets', help: 'Cumulative count of packets received', read: (it) => it.packets?.rx },
  {
    name: 'receive_packets_dropped',
    help: 'Cumulative count of packets dropped while receiving',
    read: (it) => it.packets?.rxDropped,
  },
  { name: 'transmit_bytes', help: 'Cumulative count of bytes transmitted', read: (it) => it.txBytes },
  {
    name: 'transmit_errors',
    help: 'Cumulative count of errors encountered while transmitting',
    read: (it) => it.txErrors,
  },
  { name: 'transmit_packets', help: 'Cumulative count of packets transmitted', read: (it) => it.packets?.tx },
  {
    name: 'transmit_packets_dropped',
    help: 'Cumulative count of packets dropped while transmitting',
    read: (it) => it.packets?.txDropped,
  },
];
