import type { Container, EnvVar, Pod } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { divideRoundingUp, milliUnits, parseQuantity, wholeUnits } from '../resources/quantity.ts';
import { resourceAmounts } from '../resources/resource-list.ts';

type ResourceFieldRef = NonNullable<NonNullable<EnvVar['valueFrom']>['resourceFieldRef']>;

/** Resources whose limit, where none is set, is what the pod or the node has. */
const limitedByNode: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

/**
 * Value of a `resourceFieldRef` (`limits.memory`, `requests.cpu`, …) in units of its divisor, rounded up. A limit of
 * CPU, memory or ephemeral storage that is not set is the pod's own, else `nodeAllocatable`'s; anything else that is
 * not set is 0. `own` is the container meant where the reference names none. Throws `InvalidInput` for a resource or a
 * container that is not there.
 */
export function resourceFieldValue(
  reference: ResourceFieldRef,
  pod: Pod,
  options: {
    readonly own?: Pick<Container, 'name' | 'resources'>;
    readonly nodeAllocatable: Readonly<Record<string, string>>;
  },
): string {
  const container = reference.containerName ? containerNamed(pod, reference.containerName) : options.own;
  const [, section, name] =
    /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(reference.resource) ?? [];
  if (!container || !name || (section !== 'limits' && section !== 'requests')) {
    throw invalid(`unsupported container resource : ${reference.resource}`);
  }
  const set = resourceAmounts(container.resources?.[section]).get(name) ?? 0n;
  const amount = set === 0n && section === 'limits' ? defaultLimit(name, pod, options.nodeAllocatable) : set;
  const divisor = parseQuantity(reference.divisor ?? '0') || parseQuantity(1);
  const units = name === 'cpu' ? milliUnits : wholeUnits;
  return divideRoundingUp(BigInt(units(amount)), BigInt(units(divisor))).toString();
}

function defaultLimit(name: string, pod: Pod, nodeAllocatable: Readonly<Record<string, string>>): bigint {
  if (!limitedByNode.has(name)) return 0n;
  const ofPod = name === 'ephemeral-storage' ? undefined : resourceAmounts(pod.spec?.resources?.limits).get(name);
  return ofPod || parseQuantity(nodeAllocatable[name] ?? '0');
}

function containerNamed(pod: Pod, name: string): Container {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const found = all.find((each) => each.name === name);
  if (!found) throw invalid(`container ${name} not found`);
  return found;
}

function invalid(message: string): CodedError {
  return new CodedError('InvalidInput', message, { reason: 'CreateContainerConfigError' });
}
