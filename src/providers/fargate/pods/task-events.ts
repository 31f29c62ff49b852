import type { Task } from '@aws-sdk/client-ecs';
import type { Message, SQS } from '@aws-sdk/client-sqs';
import { type BackoffRange, backoffDelayMs } from '../../../queue/backoff.ts';
import type { Clock } from '../../../support/clock.ts';
import type { Logger } from '../../../support/logger.ts';
import type { AwsCaller } from '../aws/caller.ts';
import type { CallOptions } from '../ecs/ecs-api.ts';
import { type EcsTask, readTask } from '../ecs/ecs-task.ts';

export interface TaskEventsOptions {
  readonly sqs: SQS;
  readonly queueUrl: string;
  readonly caller: AwsCaller;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes a task as an event has it; they come at least once and in any order. */
  readonly take: (task: EcsTask) => void;
}

const afterErrorRange: BackoffRange = { baseMs: 1000, capMs: 60_000 };
/** SQS's longest and most. */
const waitSeconds = 20;
const messagesACall = 10;

/**
 * Reads the cluster's task state changes from a queue of this node's own. EventBridge brings them soon, mostly: the
 * poller looks too, but seldom.
 */
export class TaskEvents {
  readonly #options: TaskEventsOptions;

  constructor(options: TaskEventsOptions) {
    this.#options = options;
  }

  /** Reads until the signal aborts, then resolves. */
  async run({ signal }: CallOptions): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#receive({ signal });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('The queue of task events cannot be read; trying again', { error });
        await clock.sleep(backoffDelayMs(failures++, afterErrorRange), { signal }).catch(() => {});
      }
    }
  }

  async #receive({ signal }: CallOptions): Promise<void> {
    const { sqs, queueUrl, caller, take } = this.#options;
    const receive = { QueueUrl: queueUrl, MaxNumberOfMessages: messagesACall, WaitTimeSeconds: waitSeconds };
    const { Messages = [] } = await caller.call({ what: 'cannot receive task events', buckets: [], signal }, (http) =>
      sqs.receiveMessage(receive, http),
    );
    if (Messages.length === 0) return;
    for (const message of Messages) {
      const task = taskIn(message);
      if (task !== undefined) take(task);
    }
    const entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await caller.call({ what: 'cannot delete task events', buckets: [], signal }, (http) =>
      sqs.deleteMessageBatch({ QueueUrl: queueUrl, Entries: entries }, http),
    );
  }
}

/** Undefined for what is no task state change; nobody else would read it, so it is deleted all the same. */
function taskIn({ Body = '' }: Message): EcsTask | undefined {
  try {
    const event = JSON.parse(Body) as { readonly 'detail-type'?: unknown; readonly detail?: unknown };
    const isTask = event['detail-type'] === 'ECS Task State Change' && typeof event.detail === 'object';
    return isTask && event.detail ? readTask(event.detail as Task) : undefined;
  } catch {
    // No JSON.
    return undefined;
  }
}
