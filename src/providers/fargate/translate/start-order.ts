import type { ContainerDependency } from '@aws-sdk/client-ecs';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';

/**
 * What a container waits for: all init containers that stand before it to be done, all sidecars before it to run, or to
 * be healthy where a startup probe says when they have started. ECS takes containers down in the opposite order, which is
 * Kubernetes' too: sidecars after the containers that they serve.
 */
export function dependencies(container: Container, pod: Pod): ContainerDependency[] {
  const { initContainers = [] } = pod.spec ?? {};
  const index = initContainers.indexOf(container);
  const earlier = index < 0 ? initContainers : initContainers.slice(0, index);
  return earlier.map((each) => ({ containerName: each.name, condition: conditionOf(each) }));
}

function conditionOf(initContainer: Container): NonNullable<ContainerDependency['condition']> {
  if (!isSidecar(initContainer)) return 'SUCCESS';
  return initContainer.startupProbe ? 'HEALTHY' : 'START';
}
