import type { ContainerDefinition, RegisterTaskDefinitionRequest, TaskOverride } from '@aws-sdk/client-ecs';
import type { Pod } from '../../../kubernetes/objects.ts';
import { CodedError } from '../../../support/errors.ts';
import type { FargateConfig } from '../config.ts';
import { allContainers, type PodInputs } from '../resolve/pod-inputs.ts';
import { digest } from '../resolve/secret-entry.ts';
import { type ContainerContext, containerDefinition, keyValues } from './container-definition.ts';
import { type Platform, platformOf } from './platform.ts';
import { refuseImpossible } from './refusals.ts';
import { cpuUnitsFromMilliCpu, podNeeds, smallestSize, type TaskSize } from './task-size.ts';
import { taskVolumes } from './volumes.ts';

export interface TranslateInput {
  readonly pod: Pod;
  readonly inputs: PodInputs;
  readonly config: FargateConfig;
  /** ARNs of our entries in Secrets Manager by their names. */
  readonly secretArns: Readonly<Record<string, string>>;
  /** What the names of our families begin with: `vk-3f9a01c2b4d5`. */
  readonly familyPrefix: string;
}

/** A pod as ECS runs it. */
export interface Translation {
  /** The same for all pods that differ in what the overrides say alone; its family is named after its content. */
  readonly definition: RegisterTaskDefinitionRequest & { readonly family: string };
  readonly overrides: TaskOverride;
  readonly size: TaskSize;
}

/** All of a RunTask call's overrides as JSON, in characters. */
const mostOverrideCharacters = 8192;
const mostDefinitionBytes = 64 * 1024;
/** Fargate gives every task so much storage. */
const ownStorageGib = 20;

/** The task definition and the overrides for a pod. Throws `InvalidInput` as `refuseImpossible` does. */
export function translatePod(input: TranslateInput): Translation {
  const { pod, inputs, config } = input;
  refuseImpossible(pod, config);
  const platform = platformOf(pod, config);
  const needs = podNeeds(pod);
  const needed = { cpuUnits: cpuUnitsFromMilliCpu(needs.milliCpu), memoryMib: needs.memoryMib };
  const size = 'why' in platform ? undefined : smallestSize(needed, platform.operatingSystem);
  if ('why' in platform || size === undefined) throw new CodedError('Internal', 'this pod has been refused');
  const { efsVolumes } = inputs;
  const context: ContainerContext = { ...input, size, operatingSystem: platform.operatingSystem, efsVolumes };
  const overrides = overridesOf(pod, inputs);
  const fits = JSON.stringify(overrides).length <= mostOverrideCharacters && !hasCommandOfPod(inputs);
  const containers = allContainers(pod).map((container) => {
    const own = inputs.containers[container.name];
    if (own === undefined) throw new CodedError('Internal', `nothing was looked up for container ${container.name}`);
    const complete = fits ? withoutPodParts(own) : withPodParts(own);
    return containerDefinition(container, complete, context);
  });
  const definition = named(wholeDefinition(containers, { input, size, platform, storageGib: needs.storageGib }), input);
  const bytes = Buffer.byteLength(JSON.stringify(definition));
  if (bytes > mostDefinitionBytes) {
    throw new CodedError(
      'InvalidInput',
      `the pod makes a task definition of ${bytes} bytes, and ECS takes ${mostDefinitionBytes}; shorten its environment, where the ` +
        'variables of services count (enableServiceLinks: false leaves them out)',
      { reason: 'UnsupportedPodSpec' },
    );
  }
  return { definition, overrides: fits ? overrides : { containerOverrides: [] }, size };
}

function wholeDefinition(
  containerDefinitions: ContainerDefinition[],
  about: {
    readonly input: TranslateInput;
    readonly size: TaskSize;
    readonly platform: Platform;
    readonly storageGib: number;
  },
): Omit<RegisterTaskDefinitionRequest, 'family'> {
  const { input, size, platform, storageGib } = about;
  const { pod, inputs, config } = input;
  return {
    requiresCompatibilities: ['FARGATE'],
    networkMode: 'awsvpc',
    cpu: String(size.cpuUnits),
    memory: String(size.memoryMib),
    runtimePlatform: {
      cpuArchitecture: platform.architecture === 'arm64' ? 'ARM64' : 'X86_64',
      operatingSystemFamily: platform.osFamily,
    },
    ...(storageGib > ownStorageGib && { ephemeralStorage: { sizeInGiB: storageGib } }),
    ...(config.executionRoleArn !== undefined && { executionRoleArn: config.executionRoleArn }),
    ...(inputs.taskRoleArn !== undefined && { taskRoleArn: inputs.taskRoleArn }),
    ...(pod.spec?.shareProcessNamespace && { pidMode: 'task' as const }),
    containerDefinitions,
    volumes: taskVolumes(pod, inputs.efsVolumes),
    ...(Object.keys(config.tags).length > 0 && {
      tags: Object.entries(config.tags).map(([key, value]) => ({ key, value })),
    }),
  };
}

/** Families and log streams are named after the content, so that the same content has the same name in each process. */
function named(
  definition: Omit<RegisterTaskDefinitionRequest, 'family'>,
  { familyPrefix }: TranslateInput,
): Translation['definition'] {
  const family = `${familyPrefix}-${digest(definition).slice(0, 24)}`;
  const containerDefinitions = (definition.containerDefinitions ?? []).map((container) => {
    const { logConfiguration } = container;
    if (logConfiguration === undefined) return container;
    const options = {
      ...logConfiguration.options,
      'awslogs-stream-prefix': logStreamPrefix(family, container.name ?? ''),
    };
    return { ...container, logConfiguration: { ...logConfiguration, options } };
  });
  return { ...definition, family, containerDefinitions };
}

/** As the Go provider names them; container name and task ID follow it. */
export function logStreamPrefix(family: string, container: string): string {
  return `${family}_${container}`;
}

function overridesOf(pod: Pod, { containers }: PodInputs): TaskOverride {
  const containerOverrides = allContainers(pod).flatMap(({ name }) => {
    const inputs = containers[name];
    const environment = keyValues(inputs?.podEnvironment ?? {});
    const command = inputs?.areArgsOfPod ? inputs.args : undefined;
    if (environment.length === 0 && command === undefined) return [];
    return [{ name, ...(environment.length > 0 && { environment }), ...(command && { command: [...command] }) }];
  });
  return { containerOverrides };
}

/** An entry point cannot be overridden. */
function hasCommandOfPod({ containers }: PodInputs): boolean {
  return Object.values(containers).some(({ isCommandOfPod }) => isCommandOfPod);
}

type Inputs = PodInputs['containers'][string];

function withoutPodParts({ args, ...inputs }: Inputs): Inputs {
  return { ...inputs, ...(args && !inputs.areArgsOfPod && { args }) };
}

function withPodParts(inputs: Inputs): Inputs {
  return { ...inputs, environment: { ...inputs.environment, ...inputs.podEnvironment } };
}
