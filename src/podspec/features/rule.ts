import type { Pod } from '../../kubernetes/objects.ts';
import type { FeatureId } from './feature.ts';

/** What is known of a field of the pod spec. A field without a rule is unknown, and refused. */
export type Rule =
  /** Honoured by every provider or none of a provider's business; whatever is in it asks for nothing. */
  | { readonly kind: 'free' }
  | {
      readonly kind: 'asks';
      /** What this value asks for; undefined for nothing, as `false` or a default does. */
      readonly feature: (value: unknown, surroundings: Surroundings) => FeatureId | undefined;
      readonly within: Rule;
    }
  /** An object of these fields and no others. */
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, Rule>> }
  | { readonly kind: 'items'; readonly item: Rule }
  /** An object with keys of the user's own. */
  | { readonly kind: 'entries'; readonly entry: (key: string) => Rule }
  /** Which rule holds depends on the value. */
  | { readonly kind: 'choice'; readonly choose: (value: unknown) => Rule };

export interface Surroundings {
  readonly pod: Pod;
  /** The object that the field belongs to. */
  readonly parent: unknown;
}

/** A value of a pod spec that asks for something. */
export interface Ask {
  /** `spec.containers[0].livenessProbe.httpGet` */
  readonly field: string;
  /** Undefined for a field that we do not know. */
  readonly feature: FeatureId | undefined;
}

export const free: Rule = { kind: 'free' };

/** The fields of an object; the compiler sees to it that each of `T` has its rule. */
export function fields<T>(table: { readonly [Key in keyof Required<T>]: Rule }): Rule {
  return { kind: 'fields', fields: table as Readonly<Record<string, Rule>> };
}

export function items(item: Rule): Rule {
  return { kind: 'items', item };
}

export function entries(entry: (key: string) => Rule): Rule {
  return { kind: 'entries', entry };
}

export function choice<T>(choose: (value: T) => Rule): Rule {
  return { kind: 'choice', choose: choose as (value: unknown) => Rule };
}

/** Its presence asks for the feature. */
export function asks(feature: FeatureId, within: Rule = free): Rule {
  return { kind: 'asks', feature: () => feature, within };
}

/** Asks for the feature unless it has this value, which is the default or says nothing. */
export function unless(harmless: string | number | boolean, feature: FeatureId): Rule {
  return asksBy((value) => (value === harmless ? undefined : feature));
}

/** Asks for the feature where there is anything in it. */
export function unlessEmpty(feature: FeatureId, within: Rule = free): Rule {
  return asksBy((value) => (Object.keys(value ?? {}).length === 0 ? undefined : feature), within);
}

/** What the value asks for depends on the value or what is around it. `T` is the type the API gives the value. */
export function asksBy<T, Parent = unknown>(
  feature: (value: T, surroundings: { readonly pod: Pod; readonly parent: Parent }) => FeatureId | undefined,
  within: Rule = free,
): Rule {
  return {
    kind: 'asks',
    feature: feature as (value: unknown, surroundings: Surroundings) => FeatureId | undefined,
    within,
  };
}

/** Everything that `value`, standing at `path`, asks for. */
export function asksOf(value: unknown, rule: Rule, path: string, surroundings: Surroundings): Ask[] {
  if (value === undefined || value === null) return [];
  switch (rule.kind) {
    case 'free':
      return [];
    case 'asks': {
      const feature = rule.feature(value, surroundings);
      const within = asksOf(value, rule.within, path, surroundings);
      return feature ? [{ field: path, feature }, ...within] : within;
    }
    case 'choice':
      return asksOf(value, rule.choose(value), path, surroundings);
    case 'items':
      if (!Array.isArray(value)) return [unknown(path)];
      return value.flatMap((each, index) =>
        asksOf(each, rule.item, `${path}[${index}]`, { ...surroundings, parent: value }),
      );
    case 'fields':
    case 'entries':
      if (typeof value !== 'object' || Array.isArray(value)) return [unknown(path)];
      return Object.entries(value).flatMap(([key, each]) => {
        const own = rule.kind === 'fields' ? rule.fields[key] : rule.entry(key);
        const field = /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
        if (own) return asksOf(each, own, field, { ...surroundings, parent: value });
        return each === undefined || each === null ? [] : [unknown(field)];
      });
  }
}

function unknown(field: string): Ask {
  return { field, feature: undefined };
}
