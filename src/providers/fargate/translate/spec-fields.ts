import type { Container, Pod } from '../../../kubernetes/objects.ts';

/** All containers with where they stand: `spec.containers[0]`. */
export function containersWithFields({ spec }: Pod): { readonly container: Container; readonly field: string }[] {
  return [
    ...(spec?.initContainers ?? []).map((container, index) => ({ container, field: `spec.initContainers[${index}]` })),
    ...(spec?.containers ?? []).map((container, index) => ({ container, field: `spec.containers[${index}]` })),
  ];
}
