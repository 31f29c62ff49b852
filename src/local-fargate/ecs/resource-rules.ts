import { AwsError } from '../protocol/aws-error.ts';
import type { RegisterTaskDefinitionInput } from './task-definition.ts';

/**
 * Throws `ClientException` where containers have more than their task, or set aside as much memory as they may use.
 * Memory that is set aside is `memoryReservation`, and `memory` where there is none: so ECS's model counts it.
 */
export function checkResources(input: RegisterTaskDefinitionInput): void {
  const { containerDefinitions: containers } = input;
  for (const { name, memory, memoryReservation } of containers) {
    if (input.memory === undefined && memory === undefined && memoryReservation === undefined) {
      refuse(
        `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
      );
    }
    if (memory !== undefined && memoryReservation !== undefined && memory <= memoryReservation) {
      refuse(`Invalid setting for container '${name}'. 'memory' must be greater than 'memoryReservation'.`);
    }
    if (input.memory !== undefined && (memory ?? 0) > Number(input.memory)) {
      refuse(`The 'memory' setting for container '${name}' is greater than for the task.`);
    }
  }
  if (input.cpu !== undefined && sum(containers.map(({ cpu }) => cpu)) > Number(input.cpu)) {
    refuse("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.");
  }
  const reserved = sum(containers.map(({ memory, memoryReservation }) => memoryReservation ?? memory ?? 0));
  if (input.memory !== undefined && reserved > Number(input.memory)) {
    const member = containers.some(({ memoryReservation }) => memoryReservation !== undefined)
      ? 'memoryReservation'
      : 'memory';
    refuse(`The sum of all container '${member}' values cannot be greater than the value of the task 'memory'.`);
  }
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}
