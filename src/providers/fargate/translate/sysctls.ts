import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { dottedSysctl, podSysctls } from '../../../podspec/sysctls.ts';

/** Those that Fargate takes, as the API reference of ECS lists them (SystemControl), since platform version 1.4.0. */
const ofNetwork = /^net\./;
const ofIpc = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

export function isSupportedSysctl(name: string): boolean {
  const dotted = dottedSysctl(name);
  return ofNetwork.test(dotted) || ofIpc.test(dotted);
}

/**
 * The network is the task's: what one container sets of it holds for all, and which of several counts is not said. IPC is
 * each container's own, so each sets it.
 */
export function systemControls(container: Container, pod: Pod): Pick<ContainerDefinition, 'systemControls'> {
  const isFirst = container === pod.spec?.containers[0];
  const own = podSysctls(pod).filter(({ name }) => isFirst || ofIpc.test(name));
  return own.length === 0 ? {} : { systemControls: own.map(({ name, value }) => ({ namespace: name, value })) };
}
