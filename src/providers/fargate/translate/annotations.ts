import type { Ulimit, UlimitName } from '@aws-sdk/client-ecs';
import type { Pod } from '../../../kubernetes/objects.ts';
import { CodedError } from '../../../support/errors.ts';
import type { CapacityProvider } from '../config.ts';

/** On a pod: `FARGATE_SPOT`, or `FARGATE=1,FARGATE_SPOT=4` with weights, in place of the config's strategy. */
export const capacityAnnotation = 'fargate.virtual-kubelet.io/capacity-providers';
/** On a pod: `nofile=65536:1048576`, soft and hard limit, or one number for both; several with commas. */
export const ulimitsAnnotation = 'fargate.virtual-kubelet.io/ulimits';

/** The pod's own capacity providers; undefined where it names none. `InvalidInput` where they make no sense. */
export function annotatedCapacityProviders(pod: Pod): readonly CapacityProvider[] | undefined {
  const text = pod.metadata?.annotations?.[capacityAnnotation];
  if (!text) return undefined;
  return text.split(',').map((part) => {
    const [, name, weight = '1'] = /^\s*(FARGATE|FARGATE_SPOT)(?:=(\d{1,4}))?\s*$/.exec(part) ?? [];
    if (name !== 'FARGATE' && name !== 'FARGATE_SPOT') {
      throw wrong(capacityAnnotation, text, 'FARGATE_SPOT, or FARGATE=1,FARGATE_SPOT=4');
    }
    return { name, weight: Number(weight), base: 0 };
  });
}

const ulimitNames: ReadonlySet<string> = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] satisfies UlimitName[]);

/** Limits for the processes of all containers of the pod; Kubernetes has no field for them. */
export function annotatedUlimits(pod: Pod): readonly Ulimit[] {
  const text = pod.metadata?.annotations?.[ulimitsAnnotation];
  if (!text) return [];
  return text.split(',').map((part) => {
    const [, name = '', soft = '', hard = soft] = /^\s*([a-z]+)=(\d+)(?::(\d+))?\s*$/.exec(part) ?? [];
    if (!ulimitNames.has(name) || Number(soft) > Number(hard))
      throw wrong(ulimitsAnnotation, text, 'nofile=65536:1048576');
    return { name: name as UlimitName, softLimit: Number(soft), hardLimit: Number(hard) };
  });
}

function wrong(annotation: string, text: string, example: string): CodedError {
  return new CodedError('InvalidInput', `${annotation} is ${JSON.stringify(text)}; write for example ${example}`, {
    reason: 'UnsupportedPodSpec',
  });
}
