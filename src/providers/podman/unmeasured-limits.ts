import type { Pod } from '../../kubernetes/objects.ts';
import type { Refusal } from '../../podspec/features/refusals.ts';

/**
 * Limits of what containers write over their images, where nobody can see how much that is: only the storage driver
 * `overlay` gives each container a folder of its own for it. A driver not known yet is taken for that.
 */
export function unmeasuredLimits({ spec }: Pod, storageDriver = 'overlay'): readonly Refusal[] {
  if (storageDriver === 'overlay') return [];
  const why = `Podman's storage driver ${storageDriver} does not show how much a container writes`;
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (spec?.[list] ?? []).flatMap(({ resources }, index): readonly Refusal[] => {
      if (resources?.limits?.['ephemeral-storage'] === undefined) return [];
      const field = `spec.${list}[${index}].resources.limits.ephemeral-storage`;
      return [{ field, feature: 'ephemeral-storage-limits', why }];
    }),
  );
}
