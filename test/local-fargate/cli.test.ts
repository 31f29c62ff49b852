import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fakeRuntime, TestFargate } from '../../src/local-fargate/testing/local-fargate.ts';
import type { ContainerSessions } from '../../src/runtime/sessions.ts';
import { systemClock } from '../../src/support/clock.ts';
import { runCommand } from '../cluster/run-command.ts';
import { awsEnvironment, ensureAwsTools, findSessionManagerPlugin } from './aws-cli.ts';

/** A member of what an earlier command printed. */
type Reference = { readonly output: readonly [index: number, path: string] };
type Command = readonly (string | Reference)[];

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const containers = JSON.stringify([{ name: 'app', image: 'busybox' }]);
const network = 'awsvpcConfiguration={subnets=[subnet-1]}';

/** Each command of the CLI that local Fargate has an operation for, in an order in which all succeed. */
class Script {
  readonly commands: Command[] = [];
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Gives the command's index, for references to what it prints. */
  add(...command: Command): number {
    // Version 1 of the CLI overlooks AWS_ENDPOINT_URL for SQS.
    return this.commands.push([...command, '--output', 'json', '--endpoint-url', this.#endpoint]) - 1;
  }
}

function ecsCommands(script: Script, hasPlugin: boolean): void {
  script.add('ecs', 'create-cluster', '--cluster-name', 'main');
  const providers = ['--capacity-providers', 'FARGATE', 'FARGATE_SPOT'];
  const strategy = ['--default-capacity-provider-strategy', 'capacityProvider=FARGATE,weight=1'];
  script.add('ecs', 'put-cluster-capacity-providers', '--cluster', 'main', ...providers, ...strategy);
  script.add('ecs', 'describe-clusters', '--clusters', 'main', '--include', 'STATISTICS', 'TAGS');
  script.add('ecs', 'list-clusters');
  const size = ['--network-mode', 'awsvpc', '--requires-compatibilities', 'FARGATE', '--cpu', '256', '--memory', '512'];
  script.add('ecs', 'register-task-definition', '--family', 'web', ...size, '--container-definitions', containers);
  script.add('ecs', 'describe-task-definition', '--task-definition', 'web', '--include', 'TAGS');
  script.add('ecs', 'list-task-definitions', '--family-prefix', 'web', '--sort', 'DESC');
  script.add('ecs', 'list-task-definition-families');
  const where = ['--task-definition', 'web', '--network-configuration', network];
  const run = script.add(
    'ecs',
    'run-task',
    '--cluster',
    'main',
    ...where,
    '--started-by',
    'cli',
    '--enable-execute-command',
  );
  const task: Reference = { output: [run, 'tasks.0.taskArn'] };
  script.add('ecs', 'wait', 'tasks-running', '--cluster', 'main', '--tasks', task);
  script.add('ecs', 'describe-tasks', '--cluster', 'main', '--tasks', task, '--include', 'TAGS');
  script.add('ecs', 'list-tasks', '--cluster', 'main', '--started-by', 'cli');
  if (hasPlugin) {
    script.add('ecs', 'execute-command', '--cluster', 'main', '--task', task, '--interactive', '--command', 'date');
  }
  script.add('ecs', 'tag-resource', '--resource-arn', task, '--tags', 'key=a,value=b');
  script.add('ecs', 'list-tags-for-resource', '--resource-arn', task);
  script.add('ecs', 'untag-resource', '--resource-arn', task, '--tag-keys', 'a');
  script.add('ec2', 'describe-network-interfaces', '--filters', 'Name=subnet-id,Values=subnet-1');
  script.add('ecs', 'stop-task', '--cluster', 'main', '--task', task, '--reason', 'enough');
  script.add('ecs', 'wait', 'tasks-stopped', '--cluster', 'main', '--tasks', task);
  script.add('ecs', 'deregister-task-definition', '--task-definition', 'web:1');
  script.add('ecs', 'delete-task-definitions', '--task-definitions', 'web:1');
  script.add('ecs', 'delete-cluster', '--cluster', 'main');
  script.add('sts', 'get-caller-identity');
}

function logsCommands(script: Script): void {
  const group = ['--log-group-name', '/g'];
  const stream = ['--log-stream-name', 's'];
  script.add('logs', 'create-log-group', ...group);
  script.add('logs', 'put-retention-policy', ...group, '--retention-in-days', '7');
  script.add('logs', 'create-log-stream', ...group, ...stream);
  const events = `timestamp=${Date.now()},message=hello`;
  script.add('logs', 'put-log-events', ...group, ...stream, '--log-events', events);
  script.add('logs', 'get-log-events', ...group, ...stream, '--start-from-head');
  script.add('logs', 'filter-log-events', ...group, '--filter-pattern', 'hello');
  script.add('logs', 'describe-log-groups', '--log-group-name-prefix', '/');
  script.add('logs', 'describe-log-streams', ...group);
  script.add('logs', 'delete-retention-policy', ...group);
  script.add('logs', 'delete-log-stream', ...group, ...stream);
  script.add('logs', 'delete-log-group', ...group);
}

function secretCommands(script: Script): void {
  const secret = ['--secret-id', 's'];
  script.add('secretsmanager', 'create-secret', '--name', 's', '--secret-string', 'one');
  script.add('secretsmanager', 'put-secret-value', ...secret, '--secret-string', 'two');
  script.add('secretsmanager', 'update-secret', ...secret, '--description', 'd');
  script.add('secretsmanager', 'get-secret-value', ...secret);
  script.add('secretsmanager', 'describe-secret', ...secret);
  script.add('secretsmanager', 'list-secrets', '--filters', 'Key=name,Values=s');
  script.add('secretsmanager', 'tag-resource', ...secret, '--tags', 'Key=a,Value=b');
  script.add('secretsmanager', 'untag-resource', ...secret, '--tag-keys', 'a');
  script.add('secretsmanager', 'delete-secret', ...secret, '--recovery-window-in-days', '7');
  script.add('secretsmanager', 'restore-secret', ...secret);
  script.add('secretsmanager', 'delete-secret', ...secret, '--force-delete-without-recovery');
  script.add('ssm', 'put-parameter', '--name', '/p', '--value', 'v', '--type', 'SecureString');
  script.add('ssm', 'get-parameter', '--name', '/p', '--with-decryption');
  script.add('ssm', 'get-parameters', '--names', '/p');
  script.add('ssm', 'delete-parameter', '--name', '/p');
  script.add('ssm', 'delete-parameters', '--names', '/p');
  for (const verb of ['terminate-session', 'resume-session']) script.add('ssm', verb, '--session-id', 'gone');
}

function queueCommands(script: Script): void {
  const create = script.add('sqs', 'create-queue', '--queue-name', 'q');
  const queue: Command = ['--queue-url', { output: [create, 'QueueUrl'] }];
  script.add('sqs', 'get-queue-url', '--queue-name', 'q');
  script.add('sqs', 'list-queues');
  for (const body of ['one', 'two']) script.add('sqs', 'send-message', ...queue, '--message-body', body);
  const receive = script.add('sqs', 'receive-message', ...queue, '--max-number-of-messages', '2');
  const handle = (index: number): Reference => ({ output: [receive, `Messages.${index}.ReceiptHandle`] });
  const visibility = ['--visibility-timeout', '60'];
  script.add('sqs', 'change-message-visibility', ...queue, '--receipt-handle', handle(0), ...visibility);
  script.add('sqs', 'delete-message', ...queue, '--receipt-handle', handle(0));
  script.add('sqs', 'delete-message-batch', ...queue, '--entries', 'Id=1,ReceiptHandle=gone');
  script.add('sqs', 'get-queue-attributes', ...queue, '--attribute-names', 'All');
  script.add('sqs', 'delete-queue', ...queue);
}

/** Commands in containers end at once. */
const sessions: ContainerSessions = {
  runCommand: async () => ({ exitCode: 0 }),
  attach: () => Promise.reject(new Error('nobody attaches')),
  connect: () => Promise.reject(new Error('nobody connects')),
};

test('the AWS CLI drives every operation', async (t) => {
  const { python } = await ensureAwsTools();
  const plugin = await findSessionManagerPlugin();
  await using fargate = await new TestFargate(fakeRuntime(systemClock), { sessions }).start();
  const script = new Script(fargate.endpoint);
  ecsCommands(script, plugin !== undefined);
  for (const addCommands of [logsCommands, secretCommands, queueCommands]) addCommands(script);
  const environment = awsEnvironment(fargate.endpoint);
  const printed = await runCommand([python, join(import.meta.dirname, 'run_cli.py')], {
    env: plugin ? { ...environment, PATH: `${dirname(plugin)}:${environment['PATH']}` } : environment,
    input: JSON.stringify(script.commands),
  });
  const results = JSON.parse(printed) as Result[];
  const failed = results.flatMap(({ code, stderr }, index) =>
    code === 0 ? [] : [`aws ${JSON.stringify(script.commands[index])} ended with ${code}: ${stderr}`],
  );
  assert.deepEqual(failed, []);
  const { body } = await fargate.admin('GET', 'calls');
  const neverCalled = Object.entries(body as Record<string, { calls: number }>).filter(([, { calls }]) => calls === 0);
  if (!plugin) t.diagnostic('ExecuteCommand is left out: there is no Go to build the session-manager-plugin with');
  assert.deepEqual(
    neverCalled.map(([name]) => name),
    plugin ? [] : ['ecs:ExecuteCommand'],
  );
});
