import type { Pod } from '../../kubernetes/objects.ts';
import { expandedCommand } from '../../podspec/environment/expand.ts';
import { cgroupLimits, oomScoreAdjust } from '../../podspec/resources/cgroup.ts';
import type { ContainerSpec, Image } from '../../runtime/runtime.ts';
import { containerMounts } from '../disk/container-mounts.ts';
import type { PodFolder } from '../disk/pod-folder.ts';
import { type ContainerIdentity, containerLabels, containerName, type Owner } from '../pod/labels.ts';
import { securityFields } from './security.ts';

export interface ContainerSpecInput {
  readonly pod: Pod;
  readonly identity: ContainerIdentity;
  readonly sandboxId: string;
  readonly image: Image;
  readonly environment: Readonly<Record<string, string>>;
  /** As its processes see it. */
  readonly hostname: string;
  readonly rootDir: string;
  readonly folder: PodFolder;
  /** Where parts of volumes are, by the path at which the container wants them. */
  readonly subPaths: ReadonlyMap<string, string>;
  /** Path of the namespace of the container whose processes it is to see. */
  readonly targetNamespace: string | undefined;
  readonly owner: Owner;
  readonly nodeMemoryBytes: number;
}

/** What the runtime is to make for a container of the spec. Throws `InvalidInput` for what makes no sense. */
export function containerSpec(input: ContainerSpecInput): ContainerSpec {
  const { pod, identity, image, environment, owner } = input;
  const { container, attempt } = identity;
  const { command, args } = expandedCommand(container, environment);
  return {
    sandboxId: input.sandboxId,
    name: containerName(pod.metadata?.uid ?? '', container.name, attempt),
    labels: containerLabels(owner, pod, identity, image.repoDigest ?? image.id),
    imageId: image.id,
    ...(command && { entrypoint: command }),
    ...(args && { command: args }),
    ...(container.workingDir && { workingDir: container.workingDir }),
    // As containerd has it: for commands that come later too.
    env: { HOSTNAME: input.hostname, ...environment },
    mounts: containerMounts(pod, container, { folder: input.folder, attempt, subPaths: input.subPaths }),
    resources: {
      ...cgroupLimits(container),
      oomScoreAdj: oomScoreAdjust(pod, container, input.nodeMemoryBytes),
    },
    ...securityFields(pod, container, { imageUser: image.user, rootDir: input.rootDir }),
    ...namespaces(pod, input.targetNamespace),
    stdin: container.stdin === true,
    tty: container.tty === true,
  };
}

function namespaces(
  { spec }: Pod,
  targetNamespace: string | undefined,
): Pick<ContainerSpec, 'pidNamespace' | 'hostIpc'> {
  const pidNamespace = spec?.hostPID ? 'host' : targetNamespace && { path: targetNamespace };
  return { ...(pidNamespace && { pidNamespace }), ...(spec?.hostIPC && { hostIpc: true }) };
}
