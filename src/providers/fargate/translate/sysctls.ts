import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Container, Pod } from '../../../kubernetes/objects.ts';

/** Those that Fargate takes, as the API reference of ECS lists them (SystemControl), since platform version 1.4.0. */
const ofNetwork = /^net\./;
const ofIpc = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/** Slashes are another way to write them, which ECS does not know. */
function dotted(name: string): string {
  return name.replaceAll('/', '.');
}

export function isSupportedSysctl(name: string): boolean {
  return ofNetwork.test(dotted(name)) || ofIpc.test(dotted(name));
}

/**
 * The network is the task's: what one container sets of it holds for all, and which of several counts is not said. IPC is
 * each container's own, so each sets it.
 */
export function systemControls(container: Container, { spec }: Pod): Pick<ContainerDefinition, 'systemControls'> {
  const isFirst = container === spec?.containers[0];
  const controls = (spec?.securityContext?.sysctls ?? [])
    .map(({ name, value }) => ({ namespace: dotted(name), value }))
    .filter(({ namespace }) => isFirst || ofIpc.test(namespace));
  return controls.length === 0 ? {} : { systemControls: controls };
}
