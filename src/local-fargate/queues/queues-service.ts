import { z } from 'zod';
import { type Account, arnOf } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { JsonService } from '../protocol/json-protocol.ts';
import { type Call, type Operation, operation } from '../protocol/operation.ts';
import { messageOperations } from './message-operations.ts';
import { defaultAttributes, type Queue } from './queue.ts';
import type { QueueStore } from './queue-store.ts';

/** Amazon SQS: standard queues. */
export function queuesService(deps: { readonly store: QueueStore; readonly account: Account }): JsonService {
  return {
    name: 'sqs',
    targetPrefix: 'AmazonSQS',
    jsonVersion: '1.0',
    invalidInputCode: 'InvalidParameterValue',
    errorNamespace: 'com.amazonaws.sqs#',
    queryErrorCodes: {
      QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
      QueueNameExists: 'QueueAlreadyExists',
      UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
      EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
      TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
      ReceiptHandleIsInvalid: 'ReceiptHandleIsInvalid',
    },
    operations: [...queueOperations(deps), ...messageOperations(deps.store, deps.account)],
  };
}

function queueOperations({
  store,
  account,
}: {
  readonly store: QueueStore;
  readonly account: Account;
}): readonly Operation[] {
  const urlOf = (queueName: string, { origin }: Call): string => `${origin}/${account.accountId}/${queueName}`;
  return [
    operation(
      'CreateQueue',
      z.object({
        QueueName: z
          .string()
          .regex(
            /^[A-Za-z0-9_-]{1,80}$/,
            'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
          ),
        Attributes: z.record(z.string(), z.string()).default({}),
        tags: z.record(z.string(), z.string()).default({}),
      }),
      (input, call) => {
        checkAttributes(input.Attributes);
        const existing = store.find(input.QueueName);
        if (existing && !agrees(existing, input.Attributes)) {
          throw new AwsError(
            'QueueNameExists',
            'A queue already exists with the same name and a different value for an attribute.',
          );
        }
        if (!existing) store.create(input.QueueName, input.Attributes, input.tags);
        return { QueueUrl: urlOf(input.QueueName, call) };
      },
    ),
    operation('GetQueueUrl', z.object({ QueueName: z.string() }), (input, call) => ({
      QueueUrl: urlOf(store.byUrl(input.QueueName).name, call),
    })),
    operation('ListQueues', z.object({ QueueNamePrefix: z.string().default('') }), (input, call) => {
      const names = store
        .all()
        .map(({ name }) => name)
        .filter((name) => name.startsWith(input.QueueNamePrefix));
      return names.length === 0 ? {} : { QueueUrls: names.map((name) => urlOf(name, call)) };
    }),
    operation('DeleteQueue', z.object({ QueueUrl: z.string() }), (input) => {
      store.delete(store.byUrl(input.QueueUrl));
      return {};
    }),
    operation(
      'GetQueueAttributes',
      z.object({ QueueUrl: z.string(), AttributeNames: z.array(z.string()).default([]) }),
      (input) => {
        const queue = store.byUrl(input.QueueUrl);
        const { visible, inFlight, delayed } = store.counts(queue);
        const all: Readonly<Record<string, string>> = {
          ...queue.attributes,
          ApproximateNumberOfMessages: String(visible),
          ApproximateNumberOfMessagesNotVisible: String(inFlight),
          ApproximateNumberOfMessagesDelayed: String(delayed),
          CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1000)),
          LastModifiedTimestamp: String(Math.floor(queue.changedAtMs / 1000)),
          QueueArn: arnOf(account, 'sqs', queue.name),
        };
        const wanted = input.AttributeNames.includes('All')
          ? all
          : Object.fromEntries(Object.entries(all).filter(([name]) => input.AttributeNames.includes(name)));
        return Object.keys(wanted).length === 0 ? {} : { Attributes: wanted };
      },
    ),
  ];
}

function checkAttributes(attributes: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(attributes)) {
    if (name === 'FifoQueue') {
      throw new AwsError('UnsupportedOperation', 'Local Fargate has standard queues alone.');
    }
    if (!(name in defaultAttributes) && name !== 'Policy') {
      throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
  }
}

function agrees(queue: Queue, attributes: Readonly<Record<string, string>>): boolean {
  return Object.entries(attributes).every(([name, value]) => queue.attributes[name] === value);
}
