import { randomUUID } from 'node:crypto';
import type { Account } from '../account.ts';
import type { Task } from '../tasks/task.ts';
import { isoTime, taskView, type ViewContext } from '../tasks/task-view.ts';

/** EventBridge's message about a task that changed: DescribeTasks' task with times as text, without health and tags. */
export function taskStateChange(task: Task, context: ViewContext): Record<string, unknown> {
  const { healthStatus: _health, attributes, ...detail } = taskView(task, { ...context, time: isoTime });
  const containers = (detail['containers'] as readonly Record<string, unknown>[]).map(
    ({ healthStatus: _containerHealth, ...container }) => container,
  );
  return envelope(task, context.account, {
    ...detail,
    attributes,
    containers,
    updatedAt: isoTime(task.updatedAtMs),
  });
}

function envelope(task: Task, account: Account, detail: Record<string, unknown>): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'ECS Task State Change',
    source: 'aws.ecs',
    account: account.accountId,
    time: `${new Date(task.updatedAtMs).toISOString().slice(0, 19)}Z`,
    region: account.region,
    resources: [task.arn],
    detail,
  };
}
