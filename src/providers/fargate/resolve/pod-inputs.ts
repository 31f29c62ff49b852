import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { pullSecrets } from '../../../podspec/images/pull-secrets.ts';
import { type ContainerInputs, containerInputs, type ResolveContext } from './container-inputs.ts';
import type { EfsVolume } from './efs-volume.ts';
import { efsVolumes } from './efs-volumes.ts';
import { pullEntry } from './image-credentials.ts';
import type { SecretEntry } from './secret-entry.ts';
import { type RoleAccount, taskRoleArn } from './task-role.ts';

/** Everything that a pod's spec refers to, at one moment. No secret value is in it: they are in the entries. */
export interface PodInputs {
  /** By the container's name. */
  readonly containers: Readonly<Record<string, ContainerInputs>>;
  /** By the volume's name. */
  readonly efsVolumes: Readonly<Record<string, EfsVolume>>;
  readonly taskRoleArn?: string;
}

export interface ResolvedPod {
  readonly inputs: PodInputs;
  /** What has to be in Secrets Manager before the pod can run. */
  readonly entries: readonly SecretEntry[];
}

/** Looks up all that the pod refers to. Rejects with what is missing or wrong, in kubelet's words where it has some. */
export async function resolvePod(
  context: ResolveContext & { readonly account: RoleAccount; readonly defaultRoleArn: string | undefined },
  options: { readonly signal: AbortSignal },
): Promise<ResolvedPod> {
  const { pod, references } = context;
  const entries = new Map<string, SecretEntry>();
  const containers: Record<string, ContainerInputs> = {};
  const secrets = await pullSecrets(pod, { ...context, ...options });
  for (const container of allContainers(pod)) {
    const { inputs, entry } = await containerInputs(container, context, options);
    const pull = pullEntry(container, secrets, context);
    for (const needed of [entry, pull]) if (needed !== undefined) entries.set(needed.name, needed);
    containers[container.name] = { ...inputs, ...(pull && { pullCredentials: { entry: pull.name } }) };
  }
  const role = await taskRoleArn(pod, { ...context, ...options });
  return {
    inputs: {
      containers,
      efsVolumes: await efsVolumes(pod, references, options),
      ...(role !== undefined && { taskRoleArn: role }),
    },
    entries: [...entries.values()],
  };
}

/** In the order in which they start. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}
