/** One message, and whether somebody has it in work. */
export interface Message {
  readonly id: string;
  readonly queue: string;
  readonly body: string;
  readonly sentAtMs: number;
  readonly visibleAtMs: number;
  readonly receiveCount: number;
  readonly firstReceivedAtMs?: number;
  /** Of the last receive: the handle with which it is deleted. */
  readonly receiptHandle?: string;
}

export interface Queue {
  readonly name: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** What SQS takes where a queue says nothing: seconds and bytes. */
export const defaultAttributes: Readonly<Record<string, string>> = {
  VisibilityTimeout: '30',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
};
