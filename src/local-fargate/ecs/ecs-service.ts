import type { ExecSessions } from '../exec/exec-sessions.ts';
import type { JsonService } from '../protocol/json-protocol.ts';
import { clusterOperations } from './clusters.ts';
import { definitionOperations } from './definition-operations.ts';
import { executeCommandOperation } from './execute-command-operation.ts';
import type { FargateRules } from './fargate-rules.ts';
import type { RunTaskDeps } from './run-task-operation.ts';
import { tagOperations } from './tag-operations.ts';
import { taskOperations } from './task-operations.ts';

/** Amazon ECS, with Fargate alone. */
export function ecsService(
  deps: RunTaskDeps & { readonly rules: FargateRules; readonly sessions: ExecSessions },
): JsonService {
  return {
    name: 'ecs',
    targetPrefix: 'AmazonEC2ContainerServiceV20141113',
    jsonVersion: '1.1',
    invalidInputCode: 'InvalidParameterException',
    operations: [
      ...clusterOperations(deps),
      ...definitionOperations(deps),
      ...taskOperations(deps),
      deps.throttle.limit('task-modify', executeCommandOperation(deps)),
      ...tagOperations(deps),
    ],
  };
}
