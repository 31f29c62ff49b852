import { AwsError } from '../protocol/aws-error.ts';
import type { ContainerDefinition } from './container-definition.ts';
import type { TaskDefinition } from './task-definition.ts';

/** Refuses, with all of it at once, what Fargate runs and we do not: better than a task that lacks something silently. */
export function refuseUnsupported(definition: TaskDefinition): void {
  const { volumes, proxyConfiguration, runtimePlatform, containerDefinitions } = definition;
  const found = [
    ...(runtimePlatform?.operatingSystemFamily?.startsWith('WINDOWS') ? ['Windows containers'] : []),
    ...(proxyConfiguration ? ['proxyConfiguration'] : []),
    ...volumes.flatMap((volume) => {
      if (volume.configuredAtLaunch) return [`EBS (volume ${volume.name})`];
      return volume.s3filesVolumeConfiguration || volume.fsxWindowsFileServerVolumeConfiguration
        ? [`other file systems than EFS (volume ${volume.name})`]
        : [];
    }),
    ...containerDefinitions.flatMap((container) =>
      unsupportedOf(container).map((what) => `${what} (container ${container.name})`),
    ),
  ];
  if (found.length === 0) return;
  throw new AwsError('UnsupportedFeatureException', `Local Fargate does not have: ${found.join(', ')}.`);
}

function unsupportedOf(container: ContainerDefinition): readonly string[] {
  const { logConfiguration, environmentFiles, firelensConfiguration, credentialSpecs } = container;
  const options = Object.keys(logConfiguration?.options ?? {});
  return [
    ...(logConfiguration && logConfiguration.logDriver !== 'awslogs'
      ? [`the log driver ${logConfiguration.logDriver}`]
      : []),
    ...options.filter((name) => name === 'awslogs-datetime-format' || name === 'awslogs-multiline-pattern'),
    ...(environmentFiles?.length ? ['environmentFiles'] : []),
    ...(firelensConfiguration ? ['firelensConfiguration'] : []),
    ...(credentialSpecs?.length ? ['credentialSpecs'] : []),
  ];
}
