import { z } from 'zod';
import type { ExecSessions } from '../exec/exec-sessions.ts';
import { splitCommand } from '../exec/split-command.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import type { Task, TaskContainer } from '../tasks/task.ts';
import { findTask } from './find-task.ts';
import type { RunTaskDeps } from './run-task-operation.ts';

const executeCommandInput = z.object({
  cluster: z.string().optional(),
  container: z.string().optional(),
  command: z.string(),
  interactive: z.boolean(),
  task: z.string(),
});

export function executeCommandOperation({
  clusters,
  tasks,
  sessions,
}: RunTaskDeps & { readonly sessions: ExecSessions }): Operation {
  return operation('ExecuteCommand', executeCommandInput, (input, call) => {
    if (!input.interactive) refuse('Interactive is the only mode supported currently.');
    const task = findTask(input.task, clusters.get(input.cluster), tasks);
    if (!task) return refuse('The task provided in the request was not found.');
    const container = findContainer(task, input.container);
    if (!task.enableExecuteCommand || container.lastStatus !== 'RUNNING' || container.runtimeId === undefined) {
      return refuse(
        'The execute command failed because execute command was not enabled when the task was run or the execute ' +
          'command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.',
      );
    }
    const command = splitCommand(input.command) ?? refuse('The command provided in the request is not one.');
    const { id, token, path } = sessions.open(container.runtimeId, command);
    return {
      clusterArn: task.clusterArn,
      containerArn: container.arn,
      containerName: container.name,
      interactive: true,
      session: { sessionId: id, streamUrl: `${call.origin.replace(/^http/, 'ws')}${path}`, tokenValue: token },
      taskArn: task.arn,
    };
  });
}

/** The container of this name; without one, that of a task that has no other. */
function findContainer({ containers }: Task, name: string | undefined): TaskContainer {
  if (name === undefined && containers.length > 1) {
    refuse('A container name must be specified for a task with multiple containers.');
  }
  const found = name === undefined ? containers[0] : containers.find((container) => container.name === name);
  return found ?? refuse('The container provided in the request was not found.');
}

function refuse(message: string): never {
  throw new AwsError('InvalidParameterException', message);
}
