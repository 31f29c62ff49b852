import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import type { Account } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import { paginate } from '../protocol/paging.ts';
import type { Throttle } from '../throttle/throttle.ts';
import { checkDefinition } from './definition-rules.ts';
import type { Definitions } from './definitions.ts';
import { checkForFargate, type FargateRules } from './fargate-rules.ts';
import { definitionView, registerTaskDefinitionSchema, type TaskDefinition } from './task-definition.ts';

const page = {
  nextToken: z.string().optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
};

export function definitionOperations(deps: {
  readonly definitions: Definitions;
  readonly throttle: Throttle;
  readonly account: Account;
  readonly rules: FargateRules;
  readonly clock: Clock;
}): readonly Operation[] {
  const { definitions, throttle, rules, clock } = deps;

  const register = operation('RegisterTaskDefinition', registerTaskDefinitionSchema, (input) => {
    checkDefinition(input);
    if (input.requiresCompatibilities?.includes('FARGATE')) checkForFargate(input, rules);
    const definition = definitions.register(input);
    return { taskDefinition: definitionView(definition), tags: definition.tags };
  });

  const describe = operation(
    'DescribeTaskDefinition',
    z.object({ taskDefinition: z.string(), include: z.array(z.literal('TAGS')).default([]) }),
    ({ taskDefinition, include }) => {
      const definition = definitions.find(taskDefinition);
      if (!definition) throw new AwsError('ClientException', 'Unable to describe task definition.');
      return {
        taskDefinition: definitionView(definition),
        ...(include.includes('TAGS') ? { tags: definition.tags } : {}),
      };
    },
  );

  const list = operation(
    'ListTaskDefinitions',
    z.object({
      familyPrefix: z.string().optional(),
      status: z.enum(['ACTIVE', 'INACTIVE', 'DELETE_IN_PROGRESS']).default('ACTIVE'),
      sort: z.enum(['ASC', 'DESC']).default('ASC'),
      ...page,
    }),
    ({ familyPrefix, status, sort, ...request }) => {
      const matching = definitions
        .sorted()
        .filter((it) => it.status === status && (familyPrefix === undefined || it.family === familyPrefix));
      const ordered = sort === 'ASC' ? matching : matching.reverse();
      const { items, ...rest } = paginate(ordered, ({ arn }) => arn, request);
      return { taskDefinitionArns: items.map(({ arn }) => arn), ...rest };
    },
  );

  const listFamilies = operation(
    'ListTaskDefinitionFamilies',
    z.object({
      familyPrefix: z.string().default(''),
      status: z.enum(['ACTIVE', 'INACTIVE', 'ALL']).default('ALL'),
      ...page,
    }),
    ({ familyPrefix, status, ...request }) => {
      const families = familiesOf(definitions.sorted(), status).filter((name) => name.startsWith(familyPrefix));
      const { items, ...rest } = paginate(families, (name) => name, request);
      return { families: items, ...rest };
    },
  );

  const deregister = operation(
    'DeregisterTaskDefinition',
    z.object({ taskDefinition: z.string() }),
    ({ taskDefinition }) => {
      const definition = exactly(definitions, taskDefinition);
      if (!definition) {
        throw new AwsError('ClientException', 'The specified task definition does not exist.');
      }
      if (definition.status !== 'ACTIVE') return { taskDefinition: definitionView(definition) };
      const inactive: TaskDefinition = { ...definition, status: 'INACTIVE', deregisteredAtMs: clock.now() };
      return { taskDefinition: definitionView(definitions.put(inactive)) };
    },
  );

  const remove = operation(
    'DeleteTaskDefinitions',
    z.object({ taskDefinitions: z.array(z.string()).min(1).max(10) }),
    ({ taskDefinitions }) => {
      const outcomes = taskDefinitions.map((name) => deleteOne(definitions, name, clock.now()));
      return {
        taskDefinitions: outcomes.flatMap((outcome) => ('arn' in outcome ? [] : [definitionView(outcome.definition)])),
        failures: outcomes.filter((outcome) => 'arn' in outcome),
      };
    },
  );

  return [
    throttle.limit('definition-modify', register),
    throttle.limit('definition-read', describe),
    throttle.limit('definition-read', list),
    throttle.limit('definition-read', listFamilies),
    throttle.limit('definition-modify', deregister),
    throttle.limit('definition-delete', remove),
  ];
}

/** A revision that is named in full. */
function exactly(definitions: Definitions, name: string): TaskDefinition | undefined {
  if (!/:\d+$/.test(name)) throw new AwsError('ClientException', `Revision is required: ${name}`);
  return definitions.find(name);
}

function deleteOne(
  definitions: Definitions,
  name: string,
  nowMs: number,
): { readonly definition: TaskDefinition } | { readonly arn: string; readonly reason: string } {
  const definition = exactly(definitions, name);
  if (!definition) return { arn: name, reason: 'The specified task definition does not exist.' };
  if (definition.status === 'ACTIVE') {
    return {
      arn: definition.arn,
      reason: 'The specified task definition is still in ACTIVE status. Please deregister the target and try again.',
    };
  }
  return { definition: definitions.put({ ...definition, status: 'DELETE_IN_PROGRESS', deleteRequestedAtMs: nowMs }) };
}

function familiesOf(definitions: readonly TaskDefinition[], status: 'ACTIVE' | 'INACTIVE' | 'ALL'): readonly string[] {
  const active = new Map<string, boolean>();
  for (const definition of definitions) {
    active.set(definition.family, (active.get(definition.family) ?? false) || definition.status === 'ACTIVE');
  }
  return [...active]
    .filter(([, isActive]) => status === 'ALL' || isActive === (status === 'ACTIVE'))
    .map(([name]) => name);
}
