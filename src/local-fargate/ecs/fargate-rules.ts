import { AwsError } from '../protocol/aws-error.ts';
import type { ContainerDefinition } from './container-definition.ts';
import { isFargateSize, noSuchSize } from './fargate-sizes.ts';
import type { RegisterTaskDefinitionInput } from './task-definition.ts';
import { checkForWindows } from './windows-rules.ts';

/** Members of a container that Fargate does not take, where they say more than nothing. */
const forbidden = [
  'disableNetworking',
  'dnsSearchDomains',
  'dnsServers',
  'dockerSecurityOptions',
  'extraHosts',
  'links',
  'privileged',
] as const satisfies readonly (keyof ContainerDefinition)[];

const forbiddenLinuxParameters = ['devices', 'maxSwap', 'sharedMemorySize', 'swappiness'] as const;

/** Kernel parameters of the network, and of the IPC namespace that each container has. */
const systemControl =
  /^(net\..+|fs\.mqueue\..+|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced))$/;

/** Log drivers on Fargate. */
const logDrivers: ReadonlySet<string> = new Set(['awslogs', 'splunk', 'awsfirelens']);

export interface FargateRules {
  /** Whether tmpfs mounts are taken: announced in January 2026, while older documentation denies them. */
  readonly allowTmpfs: boolean;
}

/** Throws `ClientException` with the first thing that Fargate does not run. Any task definition's rules come first. */
export function checkForFargate(input: RegisterTaskDefinitionInput, rules: FargateRules): void {
  if (input.networkMode !== 'awsvpc') refuse('Fargate only supports network mode ‘awsvpc’.');
  if (input.cpu === undefined) refuse("Fargate requires that 'cpu' be defined at the task level.");
  if (input.memory === undefined) refuse("Fargate requires that 'memory' be defined at the task level.");
  const [cpuUnits, memoryMib] = [Number(input.cpu), Number(input.memory)];
  if (!isFargateSize(cpuUnits, memoryMib)) refuse(noSuchSize(cpuUnits, memoryMib));
  if (input.placementConstraints.length > 0) refuse('Fargate does not support placementConstraints.');
  if (input.ipcMode !== undefined) refuse('Fargate does not support ipcMode.');
  if (input.pidMode === 'host') refuse('Fargate only supports pidMode ‘task’.');
  if (input.inferenceAccelerators?.length) refuse('Fargate does not support inferenceAccelerators.');
  for (const { name, host, dockerVolumeConfiguration } of input.volumes) {
    if (host?.sourcePath) refuse(`Fargate does not support sourcePath for the host volume '${name}'.`);
    if (dockerVolumeConfiguration) refuse(`Fargate does not support dockerVolumeConfiguration (volume '${name}').`);
  }
  for (const container of input.containerDefinitions) checkContainer(container, { input, rules });
  checkForWindows(input);
}

function checkContainer(
  container: ContainerDefinition,
  { input, rules }: { readonly input: RegisterTaskDefinitionInput; readonly rules: FargateRules },
): void {
  const refuseContainer = (problem: string): never =>
    refuse(`Invalid setting for container '${container.name}'. ${problem}`);
  for (const member of forbidden) {
    const value = container[member];
    if (value === true || (Array.isArray(value) && value.length > 0)) {
      refuseContainer(`Fargate does not support ${member}.`);
    }
  }
  const { linuxParameters, logConfiguration, portMappings } = container;
  for (const member of forbiddenLinuxParameters) {
    if (linuxParameters?.[member] !== undefined) refuseContainer(`Fargate does not support ${member}.`);
  }
  if (linuxParameters?.tmpfs?.length && !rules.allowTmpfs) refuseContainer('Fargate does not support tmpfs.');
  if (linuxParameters?.capabilities?.add?.some((name) => name !== 'SYS_PTRACE')) {
    refuseContainer('Fargate only supports adding the capability SYS_PTRACE.');
  }
  if (container.resourceRequirements?.some(({ type }) => type === 'GPU')) {
    refuseContainer('Fargate does not support GPU.');
  }
  if (logConfiguration && !logDrivers.has(logConfiguration.logDriver)) {
    refuseContainer(`Fargate does not support the log driver ${logConfiguration.logDriver}.`);
  }
  if (portMappings.some(({ hostPort, containerPort }) => hostPort && hostPort !== containerPort)) {
    refuseContainer('When networkMode=awsvpc, the host ports and container ports in port mappings must match.');
  }
  for (const { namespace = '' } of container.systemControls) {
    if (!systemControl.test(namespace)) refuseContainer(`Fargate does not support the system control '${namespace}'.`);
  }
  if (input.executionRoleArn === undefined) {
    if (logConfiguration?.logDriver === 'awslogs') {
      refuse('Fargate requires task definition to have execution role ARN to support log driver awslogs.');
    }
    if (container.secrets?.length || logConfiguration?.secretOptions?.length) {
      refuse("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.");
    }
    if (container.repositoryCredentials) {
      refuse('Fargate requires task definition to have execution role ARN to support private registry credentials.');
    }
  }
  if (logConfiguration?.logDriver === 'awslogs' && !logConfiguration.options?.['awslogs-stream-prefix']) {
    refuse(
      'Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.',
    );
  }
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}
