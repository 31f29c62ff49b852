import type { Pod } from '../../kubernetes/objects.ts';
import { isSidecar } from '../containers.ts';
import { podRequests } from '../resources/pod-resources.ts';
import { divideRoundingUp, parseQuantity } from '../resources/quantity.ts';
import type { ResourceAmounts } from '../resources/resource-list.ts';

/** Amounts by resource name, in the units in which the scheduler counts: thousandths of a CPU, else whole ones. */
export type Units = ReadonlyMap<string, bigint>;

/** A port of the host that a pod holds. */
export interface HostPort {
  /** The port and its protocol: `8080/TCP`. */
  readonly key: string;
  readonly ip: string;
}

/** What a pod takes of its node. */
export interface PodClaims {
  readonly requests: Units;
  readonly hostPorts: readonly HostPort[];
}

/** Every address of the host. */
export const anyAddress = '0.0.0.0';

export function podClaims(pod: Pod): PodClaims {
  return { requests: unitsOf(podRequests(pod)), hostPorts: hostPorts(pod) };
}

/** A list of quantities, such as a node's allocatable, in the scheduler's units. */
export function unitsOfList(list: Readonly<Record<string, string>>): Units {
  return unitsOf(new Map(Object.entries(list).map(([name, text]) => [name, parseQuantity(text)])));
}

const nano = 1_000_000_000n;

function unitsOf(amounts: ResourceAmounts): Units {
  return new Map(
    [...amounts].map(([name, amount]) => [name, divideRoundingUp(amount, name === 'cpu' ? nano / 1000n : nano)]),
  );
}

/** Of containers that run beside each other: init containers come and go before (the scheduler's `GetHostPorts`). */
function hostPorts({ spec }: Pod): HostPort[] {
  const containers = [...(spec?.initContainers ?? []).filter(isSidecar), ...(spec?.containers ?? [])];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, protocol = 'TCP', hostIP }) =>
      hostPort > 0 ? [{ key: `${hostPort}/${protocol}`, ip: hostIP || anyAddress }] : [],
    ),
  );
}
