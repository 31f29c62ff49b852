import type { Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';

/** What a container is to its pod. */
export type Role = 'init' | 'sidecar' | 'main';

/** `main` also where the pod's spec is not known. */
export function roleOf(pod: Pod | undefined, name: string): Role {
  const initContainer = pod?.spec?.initContainers?.find((each) => each.name === name);
  if (initContainer === undefined) return 'main';
  return isSidecar(initContainer) ? 'sidecar' : 'init';
}
