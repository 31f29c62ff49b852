import type {
  ContainerDefinition,
  KeyValuePair,
  LinuxParameters,
  LogConfiguration,
  PortMapping,
  TransportProtocol,
} from '@aws-sdk/client-ecs';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';
import { milliUnits, wholeUnits } from '../../../podspec/resources/quantity.ts';
import { resourceAmounts } from '../../../podspec/resources/resource-list.ts';
import type { FargateConfig } from '../config.ts';
import type { ContainerInputs } from '../resolve/container-inputs.ts';
import type { EfsVolume } from '../resolve/efs-volume.ts';
import { allContainers } from '../resolve/pod-inputs.ts';
import type { SecretValueRef } from '../resolve/secret-entry.ts';
import { annotatedUlimits } from './annotations.ts';
import { healthCheckOf } from './health-check.ts';
import { dependencies } from './start-order.ts';
import { systemControls } from './sysctls.ts';
import type { TaskSize } from './task-size.ts';
import { mountPoints, tmpfsMounts } from './volumes.ts';

export interface ContainerContext {
  readonly pod: Pod;
  readonly config: FargateConfig;
  readonly size: TaskSize;
  readonly operatingSystem: 'linux' | 'windows';
  /** ARNs of our entries in Secrets Manager by their names. */
  readonly secretArns: Readonly<Record<string, string>>;
  /** By the volume's name. */
  readonly efsVolumes: Readonly<Record<string, EfsVolume>>;
}

const mib = 2 ** 20;
/** ECS's least. */
const leastMemoryMib = 6;
const stopTimeoutSeconds = { least: 2, most: 120 } as const;
/** ECS restarts a container only where it has run for so long, in seconds; its least. */
const restartAttemptPeriod = 60;

/** One container of the spec for ECS, but for what is said of all its kind: name of the log stream and of the family. */
export function containerDefinition(
  container: Container,
  inputs: ContainerInputs,
  context: ContainerContext,
): ContainerDefinition {
  const { pod, operatingSystem, secretArns } = context;
  const isMain = pod.spec?.containers.includes(container) ?? false;
  const health = healthCheckOf(container);
  const dependsOn = dependencies(container, pod);
  const secrets = Object.entries(inputs.secrets);
  const ulimits = annotatedUlimits(pod) ?? [];
  const user = userOf(container, pod);
  const linuxParameters = operatingSystem === 'linux' ? linuxParametersOf(container, context) : {};
  return {
    name: container.name,
    image: container.image,
    essential: isMain,
    ...amounts(container, context),
    ...(inputs.command && { entryPoint: [...inputs.command] }),
    ...(inputs.args && { command: [...inputs.args] }),
    environment: keyValues(inputs.environment),
    ...(secrets.length > 0 && {
      secrets: secrets.map(([name, ref]) => ({ name, valueFrom: valueFrom(ref, secretArns) })),
    }),
    ...(inputs.pullCredentials && {
      repositoryCredentials: { credentialsParameter: secretArns[inputs.pullCredentials.entry] },
    }),
    portMappings: portMappings(container, pod),
    mountPoints: mountPoints(container, pod, context.efsVolumes),
    ...(container.workingDir && { workingDirectory: container.workingDir }),
    ...(user !== undefined && { user }),
    ...(container.securityContext?.readOnlyRootFilesystem && { readonlyRootFilesystem: true }),
    ...(Object.keys(linuxParameters).length > 0 && { linuxParameters }),
    ...(ulimits.length > 0 && { ulimits: [...ulimits] }),
    ...systemControls(container, pod),
    ...(container.stdin && { interactive: true }),
    ...(container.tty && { pseudoTerminal: true }),
    ...(health.kind === 'check' && { healthCheck: health.check }),
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(isSidecar(container) && { restartPolicy: { enabled: true, restartAttemptPeriod } }),
    stopTimeout: stopTimeout(pod),
    ...logConfiguration(context.config),
  };
}

export function keyValues(variables: Readonly<Record<string, string>>): KeyValuePair[] {
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

/** Seconds between SIGTERM and SIGKILL, as near as ECS comes to the pod's grace period. */
export function stopTimeout(pod: Pod): number {
  const { least, most } = stopTimeoutSeconds;
  return Math.min(Math.max(pod.spec?.terminationGracePeriodSeconds ?? 30, least), most);
}

/** `arn:…:secret:name-AbCdEf:key::`, the present version of it. */
function valueFrom({ entry, key }: SecretValueRef, arns: Readonly<Record<string, string>>): string {
  return key === undefined ? `${arns[entry]}` : `${arns[entry]}:${key}::`;
}

/**
 * Shares of the CPU by request, a hard limit of memory by limit. Init containers have the task to themselves, and what
 * is set aside for them would count against the others: they have all of it.
 */
function amounts(
  container: Container,
  { pod, size }: ContainerContext,
): Pick<ContainerDefinition, 'cpu' | 'memory' | 'memoryReservation'> {
  if (pod.spec?.initContainers?.includes(container) && !isSidecar(container)) return {};
  const requests = resourceAmounts(container.resources?.requests);
  const limits = resourceAmounts(container.resources?.limits);
  const cpu = Math.floor((milliUnits(requests.get('cpu') ?? limits.get('cpu') ?? 0n) * 1024) / 1000);
  const memory = Math.ceil(wholeUnits(limits.get('memory') ?? 0n) / mib);
  const reservation = Math.floor(wholeUnits(requests.get('memory') ?? 0n) / mib);
  const bounded = (value: number): number => Math.min(Math.max(value, leastMemoryMib), size.memoryMib);
  // ECS wants the limit to be greater; one of the same size is as good as both.
  const isReserved = reservation >= leastMemoryMib && (memory === 0 || bounded(reservation) < bounded(memory));
  return {
    ...(cpu > 0 && { cpu }),
    ...(memory > 0 && { memory: bounded(memory) }),
    ...(isReserved && { memoryReservation: bounded(reservation) }),
  };
}

/** ECS refuses a port that comes twice in a task, Kubernetes does not: the first container that names it has it. */
function portMappings(container: Container, pod: Pod): PortMapping[] {
  const others = allContainers(pod);
  const before = others.slice(0, others.indexOf(container));
  const seen = new Set(before.flatMap(({ ports = [] }) => ports.map(portKey)));
  return (container.ports ?? []).flatMap((port) => {
    const key = portKey(port);
    if (seen.has(key)) return [];
    seen.add(key);
    const { containerPort, protocol = 'TCP' } = port;
    return [{ containerPort, protocol: protocol.toLowerCase() as TransportProtocol }];
  });
}

function portKey({ containerPort, protocol = 'TCP' }: NonNullable<Container['ports']>[number]): string {
  return `${containerPort}/${protocol}`;
}

function userOf(container: Container, pod: Pod): string | undefined {
  const { runAsUser, runAsGroup } = { ...pod.spec?.securityContext, ...definedOf(container.securityContext) };
  if (runAsUser === undefined) return undefined;
  return runAsGroup === undefined ? String(runAsUser) : `${runAsUser}:${runAsGroup}`;
}

function definedOf<T extends object>(fields: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function linuxParametersOf(container: Container, { pod, size }: ContainerContext): LinuxParameters {
  const { add = [], drop = [] } = container.securityContext?.capabilities ?? {};
  const tmpfs = tmpfsMounts(container, pod, size.memoryMib);
  return {
    ...(add.length + drop.length > 0 && { capabilities: { add: [...add], drop: [...drop] } }),
    ...(tmpfs.length > 0 && { tmpfs }),
  };
}

function logConfiguration({ logGroupName, logOptions, region }: FargateConfig): {
  logConfiguration?: LogConfiguration;
} {
  if (logGroupName === undefined) return {};
  const options = { ...logOptions, 'awslogs-group': logGroupName, 'awslogs-region': region };
  return { logConfiguration: { logDriver: 'awslogs', options } };
}
