import type { RunTaskRequest, Tag } from '@aws-sdk/client-ecs';
import { type Pod, podRef } from '../../../kubernetes/objects.ts';
import { type Attempt, clientToken, taskGroup } from '../attempt.ts';
import type { FargateConfig } from '../config.ts';
import { annotatedCapacityProviders } from './annotations.ts';
import type { Translation } from './task-definition.ts';

export interface RunTaskContext {
  readonly pod: Pod;
  readonly attempt: Attempt;
  readonly definitionArn: string;
  readonly overrides: Translation['overrides'];
  readonly config: FargateConfig;
  readonly owner: string;
  readonly clusterId: string;
  readonly nodeName: string;
}

/** The call that starts an attempt, the same however often it is made. */
export function runTaskInput(context: RunTaskContext): RunTaskRequest {
  const { pod, attempt, definitionArn, overrides, config, owner } = context;
  const ref = podRef(pod);
  const providers = annotatedCapacityProviders(pod) ?? config.capacityProviders;
  return {
    cluster: config.clusterName,
    taskDefinition: definitionArn,
    count: 1,
    clientToken: clientToken(ref.uid, attempt),
    startedBy: ref.uid,
    group: taskGroup({ ref, owner, attempt }),
    ...(providers.length === 0
      ? { launchType: 'FARGATE' as const }
      : {
          capacityProviderStrategy: providers.map(({ name, weight, base }) => ({
            capacityProvider: name,
            weight,
            base,
          })),
        }),
    platformVersion: config.platformVersion,
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...config.subnets],
        securityGroups: [...config.securityGroups],
        assignPublicIp: config.assignPublicIp ? 'ENABLED' : 'DISABLED',
      },
    },
    overrides,
    tags: taskTags(context),
  };
}

/** For people and for bills. What we need to know again stands elsewhere: StopTask takes a task's tags. */
function taskTags({ pod, config, clusterId, nodeName }: RunTaskContext): Tag[] {
  const { namespace, name } = podRef(pod);
  const own = {
    'virtual-kubelet.io/cluster': clusterId,
    'virtual-kubelet.io/node': nodeName,
    'virtual-kubelet.io/namespace': namespace,
    'virtual-kubelet.io/pod': name,
  };
  return Object.entries({ ...config.tags, ...own }).map(([key, value]) => ({ key, value }));
}
