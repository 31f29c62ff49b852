import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import { taskArn } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import { paginate } from '../protocol/paging.ts';
import type { Task } from '../tasks/task.ts';
import { findTask } from './find-task.ts';
import { type RunTaskDeps, runTaskOperation } from './run-task-operation.ts';

/** RunTask, StopTask, DescribeTasks, ListTasks. */
export function taskOperations(deps: RunTaskDeps): readonly Operation[] {
  const { throttle } = deps;
  return [
    throttle.limit('task-modify', runTaskOperation(deps)),
    throttle.limit('task-modify', stopTask(deps)),
    throttle.limit('task-read', describeTasks(deps)),
    throttle.limit('task-read', listTasks(deps)),
  ];
}

function stopTask({ clusters, tasks, manager, view }: RunTaskDeps): Operation {
  return operation(
    'StopTask',
    z.object({ cluster: z.string().optional(), task: z.string(), reason: z.string().max(255).optional() }),
    ({ cluster, task: idOrArn, reason }) => {
      const found = findTask(idOrArn, clusters.get(cluster), tasks);
      if (!found) throw new AwsError('InvalidParameterException', 'The referenced task was not found.');
      if (found.tags.length > 0) tasks.note(found.id, { tags: [] });
      try {
        manager.get(found.id).stop('UserInitiated', reason || 'Task stopped by user');
      } catch (error) {
        // It has stopped already.
        if (!hasCode(error, 'NotFound')) throw error;
      }
      return { task: { ...view(tasks.get(found.id) ?? found), tags: [] } };
    },
  );
}

function describeTasks(deps: RunTaskDeps): Operation {
  return operation(
    'DescribeTasks',
    z.object({
      cluster: z.string().optional(),
      tasks: z.array(z.string()).min(1, 'Tasks cannot be empty.').max(100, 'Tasks cannot have more than 100 entries.'),
      include: z.array(z.literal('TAGS')).default([]),
    }),
    ({ cluster: clusterName, tasks: wanted, include }) => {
      const cluster = deps.clusters.get(clusterName);
      const found = [...new Set(wanted)].map((idOrArn) => ({
        idOrArn,
        task: findTask(idOrArn, cluster, { get: (id) => visible(deps.tasks.get(id), deps) }),
      }));
      return {
        tasks: found.flatMap(({ task }) =>
          task ? [{ ...deps.view(task), tags: include.includes('TAGS') ? task.tags : [] }] : [],
        ),
        failures: found.flatMap(({ idOrArn, task }) =>
          task
            ? []
            : [
                {
                  arn: idOrArn.startsWith('arn:') ? idOrArn : taskArn(deps.account, cluster.name, idOrArn),
                  reason: 'MISSING',
                },
              ],
        ),
      };
    },
  );
}

const listFilters = {
  containerInstance: z.string().optional(),
  family: z.string().optional(),
  startedBy: z.string().optional(),
  serviceName: z.string().optional(),
  daemonName: z.string().optional(),
  launchType: z.enum(['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES']).optional(),
};

function listTasks(deps: RunTaskDeps): Operation {
  return operation(
    'ListTasks',
    z.object({
      cluster: z.string().optional(),
      desiredStatus: z.enum(['RUNNING', 'PENDING', 'STOPPED']).optional(),
      nextToken: z.string().optional(),
      maxResults: z.number().int().min(1).max(100).optional(),
      ...listFilters,
    }),
    ({ cluster: clusterName, nextToken, maxResults, ...filters }) => {
      const cluster = deps.clusters.get(clusterName);
      if (filters.startedBy !== undefined && Object.values(filters).filter((it) => it !== undefined).length > 1) {
        throw new AwsError('InvalidParameterException', 'startedBy must be the only filter that is used.');
      }
      if (filters.serviceName !== undefined) throw new AwsError('ServiceNotFoundException', 'Service not found.');
      const matching = [...deps.tasks.values()].filter(
        (task) => task.cluster === cluster.name && visible(task, deps) && matches(task, filters),
      );
      const { items, ...rest } = paginate(
        matching.sort((a, b) => (a.id < b.id ? -1 : 1)),
        ({ id }) => id,
        { nextToken, maxResults },
      );
      return { taskArns: items.map(({ arn }) => arn), ...rest };
    },
  );
}

interface Filters {
  readonly containerInstance?: string | undefined;
  readonly daemonName?: string | undefined;
  readonly family?: string | undefined;
  readonly startedBy?: string | undefined;
  readonly launchType?: string | undefined;
  readonly desiredStatus?: string | undefined;
}

/** Fargate tasks are on no container instance and of no daemon; PENDING is a status that ECS never desires. */
function matches(task: Task, filters: Filters): boolean {
  return (
    task.desiredStatus === (filters.desiredStatus ?? 'RUNNING') &&
    filters.containerInstance === undefined &&
    filters.daemonName === undefined &&
    (filters.family === undefined || task.family === filters.family) &&
    (filters.startedBy === undefined || task.startedBy === filters.startedBy) &&
    (filters.launchType === undefined || filters.launchType === 'FARGATE')
  );
}

/** A task so young may not be seen yet, where the switch for eventual consistency says so. */
function visible(
  task: Task | undefined,
  { switches, clock }: { readonly switches: RunTaskDeps['switches']; readonly clock: Clock },
): Task | undefined {
  const { consistencyDelayMs } = switches.positions;
  return task && clock.now() - task.createdAtMs >= consistencyDelayMs ? task : undefined;
}
