import type { Container, Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { containerEnvironment, type EnvironmentInput } from '../../podspec/environment/container-environment.ts';
import type { RecordPodEvent } from '../../podspec/pod-events.ts';
import { CodedError } from '../../support/errors.ts';

type EnvironmentOptions = Pick<EnvironmentInput, 'references' | 'hostIps' | 'nodeAllocatable'> & {
  readonly recordEvent: RecordPodEvent;
};

/**
 * Makes what the environment of each container would be, as the Go virtual kubelet does for any provider, so that a pod
 * whose secret or ConfigMap is missing waits here too. Rejects in kubelet's words, with its event. Containers that refer
 * to none of them cost nothing, and those that the API server shows as started are let be: they had theirs.
 */
export async function checkEnvironments(
  pod: Pod,
  options: EnvironmentOptions,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  for (const { container, fieldPath } of containersThatRefer(pod)) {
    try {
      await containerEnvironment({ ...options, pod, container, podIps: [] }, { signal });
    } catch (error) {
      // Without a reason it says nothing about the container: the API server did not answer.
      if (error instanceof CodedError && error.reason !== undefined) {
        const message = `Error: ${error.message}`;
        options.recordEvent({ pod: podRef(pod), type: 'Warning', reason: 'Failed', message, fieldPath });
      }
      throw error;
    }
  }
}

function* containersThatRefer({ spec, status }: Pod): Generator<{ container: Container; fieldPath: string }> {
  for (const field of ['initContainers', 'containers'] as const) {
    const statuses = field === 'containers' ? status?.containerStatuses : status?.initContainerStatuses;
    for (const container of spec?.[field] ?? []) {
      const { state } = statuses?.find(({ name }) => name === container.name) ?? {};
      if (refers(container) && state?.running === undefined && state?.terminated === undefined) {
        yield { container, fieldPath: `spec.${field}{${container.name}}` };
      }
    }
  }
}

function refers({ env = [], envFrom = [] }: Container): boolean {
  return envFrom.length > 0 || env.some(({ valueFrom }) => valueFrom?.secretKeyRef || valueFrom?.configMapKeyRef);
}
