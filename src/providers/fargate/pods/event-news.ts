import type { EcsContainer, EcsTask } from '../ecs/ecs-task.ts';
import type { PodRecord } from './pod-record.ts';

/**
 * What an event tells anew of a task of the pod: undefined where it is no newer than what is known, for events come more
 * than once and in any order. They say nothing of health checks, so the health that is known stands.
 */
export function eventNews(event: EcsTask, record: PodRecord | undefined): EcsTask | undefined {
  const known = record?.task?.arn === event.arn ? record.task : record?.strays.get(event.arn);
  if (known === undefined) return event;
  if (event.version <= known.version) return undefined;
  return { ...event, containers: event.containers.map((container) => withKnownHealth(container, known)) };
}

function withKnownHealth(container: EcsContainer, { containers }: EcsTask): EcsContainer {
  const known = containers.find(({ name, runtimeId }) => name === container.name && runtimeId === container.runtimeId);
  return container.health === 'UNKNOWN' && known ? { ...container, health: known.health } : container;
}
