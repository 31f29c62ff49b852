import type { Pod } from '../kubernetes/objects.ts';

/** With dots: slashes are another way to write it, which backends do not know. */
export function dottedSysctl(name: string): string {
  return name.replaceAll('/', '.');
}

/** A pod's sysctls in its order, by their names with dots. */
export function podSysctls({ spec }: Pod): readonly { readonly name: string; readonly value: string }[] {
  const sysctls = spec?.securityContext?.sysctls ?? [];
  return sysctls.map(({ name, value }) => ({ name: dottedSysctl(name), value }));
}
