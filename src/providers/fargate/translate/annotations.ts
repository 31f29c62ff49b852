import type { Ulimit, UlimitName } from '@aws-sdk/client-ecs';
import type { Pod } from '../../../kubernetes/objects.ts';
import type { Refusal } from '../../../podspec/features/refusals.ts';
import type { CapacityProvider } from '../config.ts';

/** On a pod: `FARGATE_SPOT`, or `FARGATE=1,FARGATE_SPOT=4` with weights, in place of the config's strategy. */
export const capacityAnnotation = 'fargate.virtual-kubelet.io/capacity-providers';
/** On a pod: `nofile=65536:1048576`, soft and hard limit, or one number for both; several with commas. */
export const ulimitsAnnotation = 'fargate.virtual-kubelet.io/ulimits';

/** The pod's own capacity providers; undefined where it names none that make sense, see `annotationRefusals`. */
export function annotatedCapacityProviders(pod: Pod): readonly CapacityProvider[] | undefined {
  const text = pod.metadata?.annotations?.[capacityAnnotation];
  if (!text) return undefined;
  const providers = text.split(',').map((part): CapacityProvider | undefined => {
    const [, name, weight = '1'] = /^\s*(FARGATE|FARGATE_SPOT)(?:=(\d{1,3}))?\s*$/.exec(part) ?? [];
    return name === 'FARGATE' || name === 'FARGATE_SPOT' ? { name, weight: Number(weight), base: 0 } : undefined;
  });
  const named = distinct(providers, ({ name }) => name);
  return named?.some(({ weight }) => weight > 0) ? named : undefined;
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

/**
 * Limits for the processes of all containers of the pod, for which Kubernetes has no field; undefined where it names none
 * that make sense, see `annotationRefusals`.
 */
export function annotatedUlimits(pod: Pod): readonly Ulimit[] | undefined {
  const text = pod.metadata?.annotations?.[ulimitsAnnotation];
  if (!text) return undefined;
  const ulimits = text.split(',').map((part): Ulimit | undefined => {
    const [, name = '', soft = '', hard = soft] = /^\s*([a-z]+)=(\d+)(?::(\d+))?\s*$/.exec(part) ?? [];
    if (!ulimitNames.has(name) || Number(soft) > Number(hard)) return undefined;
    return { name: name as UlimitName, softLimit: Number(soft), hardLimit: Number(hard) };
  });
  return distinct(ulimits, ({ name }) => name);
}

/** Annotations of ours that make no sense. */
export function annotationRefusals(pod: Pod): Refusal[] {
  const refuse = (annotation: string, example: string): Refusal => ({
    field: `metadata.annotations["${annotation}"]`,
    feature: undefined,
    why: `it does not look like ${example}`,
  });
  const isSet = (annotation: string): boolean => !!pod.metadata?.annotations?.[annotation];
  return [
    ...(isSet(capacityAnnotation) && annotatedCapacityProviders(pod) === undefined
      ? [
          refuse(
            capacityAnnotation,
            'FARGATE_SPOT or FARGATE=1,FARGATE_SPOT=4, each named once and one with a weight over 0',
          ),
        ]
      : []),
    ...(isSet(ulimitsAnnotation) && annotatedUlimits(pod) === undefined
      ? [refuse(ulimitsAnnotation, 'nofile=65536:1048576, each named once')]
      : []),
  ];
}

/** Undefined where one of them is, or where two have the same name. */
function distinct<T>(
  items: readonly (T | undefined)[],
  nameOf: (item: T) => string | undefined,
): readonly T[] | undefined {
  const defined = items.filter((item) => item !== undefined);
  const names = new Set(defined.map(nameOf));
  return names.size === items.length && defined.length === items.length ? defined : undefined;
}
