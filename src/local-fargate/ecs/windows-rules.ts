import { AwsError } from '../protocol/aws-error.ts';
import type { ContainerDefinition } from './container-definition.ts';
import { isWindowsSize, noSuchSize } from './fargate-sizes.ts';
import type { RegisterTaskDefinitionInput } from './task-definition.ts';

/** Members of a container of which ECS's model says that Windows has them not, where they say more than nothing. */
const linuxOnly = [
  'linuxParameters',
  'readonlyRootFilesystem',
  'systemControls',
  'ulimits',
  'user',
] as const satisfies readonly (keyof ContainerDefinition)[];

/** Throws `ClientException` with the first thing of a Windows task that Fargate has for Linux alone. */
export function checkForWindows(input: RegisterTaskDefinitionInput): void {
  if (!input.runtimePlatform?.operatingSystemFamily?.startsWith('WINDOWS')) return;
  const [cpuUnits, memoryMib] = [Number(input.cpu), Number(input.memory)];
  if (!isWindowsSize(cpuUnits)) refuse(noSuchSize(cpuUnits, memoryMib));
  if (input.runtimePlatform.cpuArchitecture === 'ARM64') {
    refuse('Windows containers are not supported on the CPU architecture ARM64.');
  }
  if (input.pidMode !== undefined) refuse('pidMode is not supported for Windows containers.');
  for (const container of input.containerDefinitions) {
    for (const member of linuxOnly) {
      if (saysSomething(container[member])) {
        refuse(`Invalid setting for container '${container.name}'. ${member} is not supported for Windows containers.`);
      }
    }
  }
}

function saysSomething(value: ContainerDefinition[(typeof linuxOnly)[number]]): boolean {
  return typeof value === 'object' ? Object.keys(value).length > 0 : !!value;
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}
