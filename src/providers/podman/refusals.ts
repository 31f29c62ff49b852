import type { Pod } from '../../kubernetes/objects.ts';
import type { Refusal } from '../../podspec/features/refusals.ts';

const lists = ['initContainers', 'containers'] as const;

/** What of a pod cannot be honoured for its values. A storage driver that is not known yet is taken for overlay. */
export function podmanRefusals(pod: Pod, storageDriver = 'overlay'): readonly Refusal[] {
  return [...unmeasuredLimits(pod, storageDriver), ...strictGroups(pod)];
}

/**
 * Limits of what containers write over their images, where nobody can see how much that is: only the storage driver
 * `overlay` gives each container a folder of its own for it.
 */
function unmeasuredLimits({ spec }: Pod, storageDriver: string): readonly Refusal[] {
  if (storageDriver === 'overlay') return [];
  const why = `Podman's storage driver ${storageDriver} does not show how much a container writes`;
  return lists.flatMap((list) =>
    (spec?.[list] ?? []).flatMap(({ resources }, index): readonly Refusal[] => {
      if (resources?.limits?.['ephemeral-storage'] === undefined) return [];
      const field = `spec.${list}[${index}].resources.limits.ephemeral-storage`;
      return [{ field, feature: 'ephemeral-storage-limits', why }];
    }),
  );
}

/** Podman adds the groups that the image's /etc/group gives the user, as the policy `Merge` wants. */
function strictGroups({ spec }: Pod): readonly Refusal[] {
  if (spec?.securityContext?.supplementalGroupsPolicy !== 'Strict') return [];
  const field = 'spec.securityContext.supplementalGroupsPolicy';
  return [{ field, feature: 'supplemental-groups', why: 'groups of the image cannot be left out' }];
}
