import { z } from 'zod';
import { nameOf } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { Clusters } from './clusters.ts';
import type { Definitions } from './definitions.ts';
import { type Tag, tagsSchema, withoutTags, withTags } from './tags.ts';

interface Tagged {
  readonly tags: readonly Tag[];
  readonly set: (tags: readonly Tag[]) => void;
}

interface TagDeps {
  readonly clusters: Clusters;
  readonly definitions: Definitions;
  readonly tasks: TaskStore;
  readonly throttle: Throttle;
}

export function tagOperations(deps: TagDeps): readonly Operation[] {
  const { throttle } = deps;
  const resourceArn = z.string();
  return [
    throttle.limit(
      'tag-modify',
      operation('TagResource', z.object({ resourceArn, tags: tagsSchema }), (input) => {
        const resource = find(input.resourceArn, deps);
        resource.set(withTags(resource.tags, input.tags));
        return {};
      }),
    ),
    throttle.limit(
      'tag-modify',
      operation('UntagResource', z.object({ resourceArn, tagKeys: z.array(z.string()) }), (input) => {
        const resource = find(input.resourceArn, deps);
        resource.set(withoutTags(resource.tags, input.tagKeys));
        return {};
      }),
    ),
    throttle.limit(
      'tag-read',
      operation('ListTagsForResource', z.object({ resourceArn }), (input) => ({
        tags: find(input.resourceArn, deps).tags,
      })),
    ),
  ];
}

function find(arn: string, { clusters, definitions, tasks }: TagDeps): Tagged {
  if (!arn.startsWith('arn:')) {
    throw new AwsError('InvalidParameterException', `Invalid ARN: ${arn}`);
  }
  const task = tasks.get(nameOf(arn, 'task').split('/').at(-1) ?? '');
  if (task?.arn === arn) return { tags: task.tags, set: (tags) => tasks.note(task.id, { tags }) };
  const definition = arn.includes(':task-definition/') ? definitions.find(arn) : undefined;
  if (definition?.arn === arn) {
    return { tags: definition.tags, set: (tags) => void definitions.put({ ...definition, tags }) };
  }
  const cluster = arn.includes(':cluster/') ? clusters.find(arn) : undefined;
  if (cluster) return { tags: cluster.tags, set: (tags) => void clusters.put({ ...cluster, tags }) };
  throw new AwsError('InvalidParameterException', 'The specified resource could not be found.');
}
