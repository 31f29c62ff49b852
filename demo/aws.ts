import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient, ListTaskDefinitionsCommand, ListTasksCommand } from '@aws-sdk/client-ecs';

/** Stands in for the AWS CLI where it is not installed: `node demo/aws.ts ecs list-tasks`, with the CLI's answers. */
const [service, operation, ...rest] = process.argv.slice(2);
const print = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer, undefined, 4)}\n`);

switch (`${service} ${operation}`) {
  case 'logs create-log-group':
    await new CloudWatchLogsClient({}).send(new CreateLogGroupCommand({ logGroupName: rest[1] }));
    break;
  case 'ecs list-tasks': {
    const { taskArns } = await new ECSClient({}).send(new ListTasksCommand({}));
    print({ taskArns });
    break;
  }
  case 'ecs list-task-definitions': {
    const { taskDefinitionArns } = await new ECSClient({}).send(new ListTaskDefinitionsCommand({}));
    print({ taskDefinitionArns });
    break;
  }
  default:
    throw new Error(`the stand-in for the AWS CLI does not know "${service} ${operation}"; install the AWS CLI`);
}
