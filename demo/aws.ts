import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient, ListTasksCommand } from '@aws-sdk/client-ecs';

/** Stands in for the AWS CLI where it is not installed: `node demo/aws.ts ecs list-tasks`, with the CLI's answers. */
const [service, operation, ...rest] = process.argv.slice(2);

switch (`${service} ${operation}`) {
  case 'logs create-log-group':
    await new CloudWatchLogsClient({}).send(new CreateLogGroupCommand({ logGroupName: rest[1] }));
    break;
  case 'ecs list-tasks': {
    const { taskArns } = await new ECSClient({}).send(new ListTasksCommand({}));
    process.stdout.write(`${JSON.stringify({ taskArns }, undefined, 4)}\n`);
    break;
  }
  default:
    throw new Error(`the stand-in for the AWS CLI does not know "${service} ${operation}"; install the AWS CLI`);
}
