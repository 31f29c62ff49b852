import type { Container, EphemeralContainer, Pod } from '../kubernetes/objects.ts';
import { CodedError } from '../support/errors.ts';
import { type Call, parameter } from './call.ts';
import type { PodSource } from './pod-source.ts';

/** The pod that a path names, with its UID where the path has one; `NotFound` in kubelet's words. */
export function findPod(pods: PodSource, call: Call): Pod {
  const pod = pods.podByName(parameter(call, 'namespace'), parameter(call, 'pod'));
  if (pod === undefined) throw new CodedError('NotFound', 'pod does not exist');
  const uid = call.parameters['uid'];
  if (uid !== undefined && uid !== pod.metadata?.uid) throw new CodedError('NotFound', 'pod not found');
  return pod;
}

/** Any container of a pod's spec: app, init or ephemeral. */
export function findContainer({ spec }: Pod, name: string): Container | EphemeralContainer | undefined {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])];
  return all.find((container) => container.name === name);
}

/** A container that runs, as the provider says; `NotFound` in kubelet's words. */
export function findRunningContainer(pods: PodSource, pod: Pod, name: string): Container | EphemeralContainer {
  const container = findContainer(pod, name);
  const observed = pods.observed(pod.metadata?.uid ?? '')?.containers.find((candidate) => candidate.name === name);
  if (container === undefined || observed?.state.kind !== 'running') {
    throw new CodedError('NotFound', `container not found ("${name}")`);
  }
  return container;
}
