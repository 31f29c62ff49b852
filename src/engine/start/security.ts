import { join } from 'node:path';
import type { Container, Pod } from '../../kubernetes/objects.ts';
import type { ContainerSpec } from '../../runtime/runtime.ts';
import { CodedError } from '../../support/errors.ts';
import { podLabel } from '../pod/spec-containers.ts';

type SecurityFields = Pick<
  ContainerSpec,
  | 'supplementalGroups'
  | 'readOnlyRoot'
  | 'privileged'
  | 'capabilitiesAdd'
  | 'capabilitiesDrop'
  | 'noNewPrivileges'
  | 'seccomp'
  | 'user'
>;

/**
 * What the security contexts of pod and container come to; the container's word goes before the pod's. Throws
 * `InvalidInput` with reason `CreateContainerConfigError` where the container must not run as root and would, or may.
 */
export function securityFields(
  pod: Pod,
  container: Container,
  { imageUser, rootDir }: { readonly imageUser: string; readonly rootDir: string },
): SecurityFields {
  const ofPod = pod.spec?.securityContext ?? {};
  const own = container.securityContext ?? {};
  const user = userOf(
    { runAsUser: own.runAsUser ?? ofPod.runAsUser, runAsGroup: own.runAsGroup ?? ofPod.runAsGroup },
    imageUser,
  );
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) {
    verifyNonRoot(
      own.runAsUser ?? ofPod.runAsUser,
      imageUser,
      `(pod: "${podLabel(pod)}", container: ${container.name})`,
    );
  }
  return {
    ...(user !== undefined && { user }),
    supplementalGroups: [...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])],
    readOnlyRoot: own.readOnlyRootFilesystem === true,
    privileged: own.privileged === true,
    capabilitiesAdd: own.capabilities?.add ?? [],
    capabilitiesDrop: own.capabilities?.drop ?? [],
    // A privileged container and one that may administer the system could raise its rights anyway.
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    // A privileged container makes all system calls, whatever is asked.
    ...(own.privileged ? {} : seccomp(own.seccompProfile ?? ofPod.seccompProfile, rootDir)),
  };
}

type SeccompProfile = NonNullable<NonNullable<Container['securityContext']>['seccompProfile']>;

/** Profiles lie below the root folder, as with kubelet: the pod names a file there, and the API server lets it not climb out. */
function seccomp(profile: SeccompProfile | undefined, rootDir: string): Pick<ContainerSpec, 'seccomp'> {
  if (profile?.type === 'Unconfined') return { seccomp: 'unconfined' };
  if (profile?.type !== 'Localhost') return {};
  return { seccomp: { path: join(rootDir, 'seccomp', profile.localhostProfile ?? '') } };
}

function userOf(
  { runAsUser, runAsGroup }: { readonly runAsUser: number | undefined; readonly runAsGroup: number | undefined },
  imageUser: string,
): string | undefined {
  if (runAsUser === undefined && runAsGroup === undefined) return undefined;
  const user = String(runAsUser ?? (imageUser.split(':')[0] || 0));
  return runAsGroup === undefined ? user : `${user}:${runAsGroup}`;
}

/** kubelet's `verifyRunAsNonRoot`, in its words. */
function verifyNonRoot(runAsUser: number | undefined, imageUser: string, where: string): void {
  const refuse = (why: string): never => {
    throw new CodedError('InvalidInput', `${why} ${where}`, { reason: 'CreateContainerConfigError' });
  };
  if (runAsUser === 0) refuse("container's runAsUser breaks non-root policy");
  if (runAsUser !== undefined) return;
  const [user = ''] = imageUser.split(':');
  if (user !== '' && !/^\d+$/.test(user)) {
    refuse(`container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root`);
  }
  if (Number(user) === 0) refuse('container has runAsNonRoot and image will run as root');
}
