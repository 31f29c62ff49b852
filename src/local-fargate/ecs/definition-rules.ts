import { AwsError } from '../protocol/aws-error.ts';
import type { ContainerDefinition } from './container-definition.ts';
import { checkEfs } from './efs-rules.ts';
import { checkResources } from './resource-rules.ts';
import type { RegisterTaskDefinitionInput } from './task-definition.ts';

/** The size of a definition as JSON. */
const maxDefinitionBytes = 64 * 1024;

/** The rules of every task definition, wherever it runs. Throws `ClientException` with the first that is broken. */
export function checkDefinition(input: RegisterTaskDefinitionInput): void {
  if (Buffer.byteLength(JSON.stringify(input)) > maxDefinitionBytes) {
    refuse('Actual length of the task definition exceeds the maximum of 64 KB.');
  }
  const { containerDefinitions: containers } = input;
  const byName = new Map(containers.map((container) => [container.name, container]));
  if (byName.size !== containers.length) refuse('Container names must be unique within a task definition.');
  if (!containers.some(({ essential }) => essential)) {
    refuse('Task definition must have at least one essential container.');
  }
  const volumeNames = new Set(input.volumes.map(({ name }) => name));
  if (volumeNames.size !== input.volumes.length) refuse('Volume names must be unique within a task definition.');
  input.volumes.forEach(checkEfs);
  for (const container of containers) checkContainer(container, { byName, volumeNames, input });
  refuseCircles(byName);
  refusePortsTwice(input);
  checkResources(input);
}

function checkContainer(
  container: ContainerDefinition,
  context: {
    readonly byName: ReadonlyMap<string, ContainerDefinition>;
    readonly volumeNames: ReadonlySet<string>;
    readonly input: RegisterTaskDefinitionInput;
  },
): void {
  const refuseContainer = (problem: string): never =>
    refuse(`Invalid setting for container '${container.name}'. ${problem}`);
  if (container.hostname !== undefined && context.input.networkMode === 'awsvpc') {
    refuseContainer('hostname is not supported on container when networkMode=awsvpc.');
  }
  if (container.healthCheck && !['CMD', 'CMD-SHELL'].includes(container.healthCheck.command[0] ?? '')) {
    refuseContainer("Health check command must begin with 'CMD' or 'CMD-SHELL'.");
  }
  for (const { sourceVolume } of container.mountPoints) {
    if (sourceVolume === undefined || !context.volumeNames.has(sourceVolume)) {
      refuse(`Unknown volume '${sourceVolume ?? ''}'.`);
    }
  }
  for (const { sourceContainer } of container.volumesFrom) {
    if (sourceContainer === undefined || !context.byName.has(sourceContainer)) {
      refuseContainer(`Unknown container '${sourceContainer ?? ''}' in volumesFrom.`);
    }
  }
  for (const { containerName, condition } of container.dependsOn ?? []) {
    const target = context.byName.get(containerName);
    if (!target) refuseContainer(`Unknown container '${containerName}' in dependsOn.`);
    if (condition === 'HEALTHY' && !target?.healthCheck) {
      refuseContainer(`Container '${containerName}' must have a health check for the condition HEALTHY.`);
    }
    if ((condition === 'SUCCESS' || condition === 'COMPLETE') && target?.essential) {
      refuseContainer(`Essential container '${containerName}' cannot be depended upon by the condition ${condition}.`);
    }
  }
}

/** With awsvpc the containers of a task share its ports; elsewhere a port that the host chooses is nobody else's. */
function refusePortsTwice({ networkMode, containerDefinitions }: RegisterTaskDefinitionInput): void {
  const mapped = new Set<string>();
  for (const { containerPort, hostPort, protocol } of containerDefinitions.flatMap((it) => it.portMappings)) {
    const port = hostPort || (networkMode === 'awsvpc' ? containerPort : undefined);
    if (port === undefined) continue;
    const name = `${protocol.toUpperCase()} host port '${port}'`;
    if (mapped.has(name)) refuse(`${name} is mapped multiple times in task.`);
    mapped.add(name);
  }
}

/** A container that waits for itself would never start. */
function refuseCircles(byName: ReadonlyMap<string, ContainerDefinition>): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) refuse(`Container dependencies must not be circular: ${[...path, name].join(' -> ')}.`);
    if (done.has(name)) return;
    for (const { containerName } of byName.get(name)?.dependsOn ?? []) visit(containerName, [...path, name]);
    done.add(name);
  };
  for (const name of byName.keys()) visit(name, []);
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}
