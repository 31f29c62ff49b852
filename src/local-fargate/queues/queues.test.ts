import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { settle } from '../../support/testing/fake-clock.ts';
import { runTaskOf } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

interface Message {
  readonly Body: string;
  readonly ReceiptHandle: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}

async function start(options: ConstructorParameters<typeof TestFargate>[1] = {}): Promise<TestFargate> {
  return new TestFargate(fakeRuntime(systemClock), options).start();
}

async function receive(fargate: TestFargate, QueueUrl: unknown, more: object = {}): Promise<readonly Message[]> {
  const { Messages = [] } = await fargate.ok('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10, ...more });
  return Messages as Message[];
}

test('a message that is received is hidden, comes back, and goes when it is deleted', async (t) => {
  const fargate = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const { QueueUrl } = await fargate.ok('sqs', 'CreateQueue', { QueueName: 'q' });
  assert.equal(QueueUrl, `${fargate.endpoint}/000000000000/q`);
  await fargate.ok('sqs', 'SendMessage', { QueueUrl, MessageBody: 'hello' });
  const [first] = await receive(fargate, QueueUrl, { VisibilityTimeout: 1 });
  assert.equal(first?.Body, 'hello');
  assert.deepEqual(await receive(fargate, QueueUrl), []);
  await fargate.stop();
  await fargate.start();
  const url = `${fargate.endpoint}/000000000000/q`;
  const [again] = await receive(fargate, url, { WaitTimeSeconds: 5, MessageSystemAttributeNames: ['All'] });
  assert.equal(again?.Attributes?.['ApproximateReceiveCount'], '2');
  await fargate.ok('sqs', 'DeleteMessageBatch', {
    QueueUrl: url,
    Entries: [{ Id: '1', ReceiptHandle: again?.ReceiptHandle }],
  });
  const { Attributes } = await fargate.ok('sqs', 'GetQueueAttributes', { QueueUrl: url, AttributeNames: ['All'] });
  assert.equal((Attributes as Record<string, string>)['ApproximateNumberOfMessagesNotVisible'], '0');
});

test('a receiver that waits gets the message when it comes', async (t) => {
  const fargate = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const { QueueUrl } = await fargate.ok('sqs', 'CreateQueue', { QueueName: 'q' });
  const waiting = receive(fargate, QueueUrl, { WaitTimeSeconds: 20 });
  await settle();
  await fargate.ok('sqs', 'SendMessage', { QueueUrl, MessageBody: 'late' });
  assert.equal((await waiting)[0]?.Body, 'late');
});

test('a queue that there is not is named as SDKs know it', async (t) => {
  const fargate = await start();
  t.after(() => fargate[Symbol.asyncDispose]());
  const { status, body } = await fargate.call('sqs', 'GetQueueUrl', { QueueName: 'none' });
  assert.equal(status, 400);
  assert.equal(body['__type'], 'com.amazonaws.sqs#QueueDoesNotExist');
});

test('each change of a task is told to the queue of events', async (t) => {
  const fargate = await start({ options: { eventQueue: 'events' } });
  t.after(() => fargate[Symbol.asyncDispose]());
  const arn = await runTaskOf(fargate, [{ name: 'app' }]);
  await eventually('the task running', async () => {
    const { tasks } = await fargate.ok('ecs', 'DescribeTasks', { tasks: [arn] });
    return (tasks as { lastStatus: string }[])[0]?.lastStatus === 'RUNNING' ? true : undefined;
  });
  const messages = [
    ...(await receive(fargate, `${fargate.endpoint}/000000000000/events`)),
    ...(await receive(fargate, `${fargate.endpoint}/000000000000/events`)),
  ];
  const events = messages.map(({ Body }) => JSON.parse(Body) as Record<string, unknown>);
  const details = events.map(({ detail }) => detail as Record<string, unknown>);
  assert.equal(events[0]?.['detail-type'], 'ECS Task State Change');
  assert.deepEqual(events[0]?.['resources'], [arn]);
  assert.deepEqual(
    details.map(({ version }) => version),
    details.map((_, index) => index + 1),
  );
  assert.equal(details.at(-1)?.['lastStatus'], 'RUNNING');
  assert.match(String(details.at(-1)?.['startedAt']), /^\d{4}-.*Z$/);
  assert.equal('healthStatus' in (details[0] ?? {}), false);
});
