import type { Pod } from '../../kubernetes/objects.ts';
import { ephemeralContainer } from './container-fields.ts';
import type { Capabilities, FeatureId } from './feature.ts';
import { podSpec } from './fields.ts';
import { type Ask, asksOf } from './rule.ts';

/** A field of a pod that cannot be honoured. */
export interface Refusal {
  /** `spec.containers[0].livenessProbe.httpGet` */
  readonly field: string;
  /** Undefined for a field that is not known here, as one of a newer Kubernetes. */
  readonly feature: FeatureId | undefined;
  /** For the pod's owner. */
  readonly why: string;
}

/** Everything a pod's spec asks for, in the order of the spec; what the API server fills in asks for nothing. */
export function podAsks(pod: Pod): Ask[] {
  return asksOf(pod.spec, podSpec, 'spec', { pod, parent: pod });
}

/**
 * All fields of a new pod's spec that a provider of these capabilities cannot honour; none where it can run the pod.
 * Ephemeral containers, which come later, are not looked at.
 */
export function refusals(pod: Pod, capabilities: Capabilities): Refusal[] {
  return refused(podAsks(pod), capabilities);
}

/**
 * Ephemeral containers that cannot be had, by name, with why. They come when the pod runs already, so each refuses itself
 * and the pod runs on.
 */
export function refusedEphemeralContainers(pod: Pod, capabilities: Capabilities): ReadonlyMap<string, string> {
  const containers = pod.spec?.ephemeralContainers;
  if (!containers?.length) return none;
  const messages = new Map<string, string>();
  for (const [index, container] of containers.entries()) {
    const field = `spec.ephemeralContainers[${index}]`;
    const asks = asksOf(container, ephemeralContainer, field, { pod, parent: containers });
    const why = refused(asks, capabilities);
    if (why.length > 0)
      messages.set(container.name, `this node cannot run the container as it is written: ${told(why)}`);
  }
  return messages;
}

const none: ReadonlyMap<string, string> = new Map();

/** One sentence that names every field, for the status of the pod and an event: `spec.a, spec.b: why; spec.c: why`. */
export function refusalMessage(refusals: readonly Refusal[]): string {
  return `this node cannot run the pod as it is written: ${told(refusals)}`;
}

function told(refusals: readonly Refusal[]): string {
  const fieldsByReason = Map.groupBy(refusals, ({ why }) => why);
  return [...fieldsByReason].map(([why, group]) => `${group.map(({ field }) => field).join(', ')}: ${why}`).join('; ');
}

function refused(asks: readonly Ask[], capabilities: Capabilities): Refusal[] {
  return asks.flatMap(({ field, feature }): Refusal[] => {
    if (!feature) return [{ field, feature, why: 'the field is not known to this version of virtual-kubelet' }];
    const support = capabilities[feature];
    if (support.kind === 'honoured') return [];
    return [{ field, feature, why: support.why }];
  });
}
