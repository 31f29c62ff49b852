/** No container of a pod is called so: their names have no dots. */
const suffix = '.sandbox';

/** The name of the container that holds a sandbox's network. Events tell it from others by its name alone. */
export function infraNameOf(sandboxName: string): string {
  return `${sandboxName}${suffix}`;
}

export function isInfraName(containerName: string): boolean {
  return containerName.endsWith(suffix);
}
