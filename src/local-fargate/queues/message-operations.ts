import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Account } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import type { Message } from './queue.ts';
import type { QueueStore } from './queue-store.ts';

const QueueUrl = z.string();
const seconds = (most: number): z.ZodOptional<z.ZodNumber> => z.number().int().min(0).max(most).optional();
const noAttributes = z
  .record(z.string(), z.unknown())
  .refine((attributes) => Object.keys(attributes).length === 0, 'Local Fargate keeps no message attributes.')
  .optional();

export function messageOperations(store: QueueStore, account: Account): readonly Operation[] {
  return [
    operation(
      'SendMessage',
      z.object({
        QueueUrl,
        MessageBody: z.string().min(1).max(1_048_576),
        DelaySeconds: seconds(900),
        MessageAttributes: noAttributes,
      }),
      (input) => {
        const message = store.send(store.byUrl(input.QueueUrl), input.MessageBody, input.DelaySeconds);
        return { MD5OfMessageBody: md5(message.body), MessageId: message.id };
      },
    ),
    operation(
      'ReceiveMessage',
      z.object({
        QueueUrl,
        AttributeNames: z.array(z.string()).default([]),
        MessageSystemAttributeNames: z.array(z.string()).default([]),
        MaxNumberOfMessages: z.number().int().min(1).max(10).default(1),
        VisibilityTimeout: seconds(43_200),
        WaitTimeSeconds: seconds(20),
      }),
      async (input, { signal }) => {
        const queue = store.byUrl(input.QueueUrl);
        const { VisibilityTimeout, ReceiveMessageWaitTimeSeconds } = queue.attributes;
        const messages = await store.receive(queue, {
          most: input.MaxNumberOfMessages,
          visibilitySeconds: input.VisibilityTimeout ?? Number(VisibilityTimeout),
          waitMs: (input.WaitTimeSeconds ?? Number(ReceiveMessageWaitTimeSeconds)) * 1000,
          signal,
        });
        const names = [...input.AttributeNames, ...input.MessageSystemAttributeNames];
        return messages.length === 0 ? {} : { Messages: messages.map((message) => view(message, { names, account })) };
      },
    ),
    operation('DeleteMessage', z.object({ QueueUrl, ReceiptHandle: z.string() }), (input) => {
      store.deleteMessage(store.byUrl(input.QueueUrl), input.ReceiptHandle);
      return {};
    }),
    operation(
      'DeleteMessageBatch',
      z.object({ QueueUrl, Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string() })) }),
      ({ QueueUrl: url, Entries: entries }) => {
        const queue = store.byUrl(url);
        checkBatch(entries);
        for (const { ReceiptHandle } of entries) store.deleteMessage(queue, ReceiptHandle);
        return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
      },
    ),
    operation(
      'ChangeMessageVisibility',
      z.object({ QueueUrl, ReceiptHandle: z.string(), VisibilityTimeout: z.number().int().min(0).max(43_200) }),
      (input) => {
        store.changeVisibility(store.byUrl(input.QueueUrl), input.ReceiptHandle, input.VisibilityTimeout);
        return {};
      },
    ),
  ];
}

function checkBatch(entries: readonly { readonly Id: string }[]): void {
  if (entries.length === 0) {
    throw new AwsError(
      'EmptyBatchRequest',
      'There should be at least one DeleteMessageBatchRequestEntry in the request.',
    );
  }
  if (entries.length > 10) {
    throw new AwsError('TooManyEntriesInBatchRequest', 'Maximum number of entries per request are 10.');
  }
  if (new Set(entries.map(({ Id }) => Id)).size !== entries.length) {
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
  }
}

function view(
  message: Message,
  { names, account }: { readonly names: readonly string[]; readonly account: Account },
): Record<string, unknown> {
  const attributes: Readonly<Record<string, string>> = {
    SenderId: account.accountId,
    SentTimestamp: String(message.sentAtMs),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs ?? 0),
  };
  const wanted = Object.entries(attributes).filter(([name]) => names.includes('All') || names.includes(name));
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }),
  };
}

/** SQS's checksum of a body; clients compare it. */
function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
