import { CodedError } from '../../../support/errors.ts';
import { familyOf, taskId } from '../ecs/ecs-task.ts';
import type { PodRecord } from '../pods/pod-record.ts';
import { logStreamPrefix } from '../translate/task-definition.ts';

/** One container of one task. */
export interface LogSource {
  readonly stream: string;
  readonly taskArn: string;
}

/**
 * Which log is meant, as kubelet chooses it (`validateContainerLogStatus`): of the present attempt, or of the last one
 * where that is asked for or the container waits for its next start. `NotFound` where there is none.
 */
export function logSource(record: PodRecord, container: string, previous: boolean): LogSource {
  const { ref, published, task, lastTask } = record;
  const observed = published?.containers.find(({ name }) => name === container);
  const isLast = previous || observed?.state.kind === 'waiting';
  const id = isLast ? observed?.lastTerminated?.containerId : observed?.containerId;
  const found = [task, lastTask].find((each) => each !== undefined && id === `ecs://${taskId(each.arn)}/${container}`);
  if (found !== undefined && found.definitionArn !== '') {
    const prefix = logStreamPrefix(familyOf(found.definitionArn), container);
    return { stream: `${prefix}/${container}/${taskId(found.arn)}`, taskArn: found.arn };
  }
  if (previous) {
    throw new CodedError('NotFound', `previous terminated container "${container}" in pod "${ref.name}" not found`);
  }
  const why = observed?.state.kind === 'waiting' ? observed.state.reason : 'ContainerCreating';
  throw new CodedError('NotFound', `container "${container}" in pod "${ref.name}" is waiting to start: ${why}`);
}

/** Whether the container of this task writes no more. */
export function hasLogEnded(record: PodRecord | undefined, container: string, taskArn: string): boolean {
  if (record?.task?.arn !== taskArn) return true;
  return record.task.containers.find(({ name }) => name === container)?.status === 'STOPPED';
}
