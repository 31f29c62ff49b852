import { z } from 'zod';
import { AwsError } from '../protocol/aws-error.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const maxTags = 50;

export const tagsSchema = z
  .array(
    z.object({
      key: z
        .string()
        .min(1)
        .max(128)
        .refine((key) => !/^aws:/i.test(key), 'a tag key may not begin with aws:'),
      value: z.string().max(256).default(''),
    }),
  )
  .max(maxTags)
  .refine((tags) => new Set(tags.map(({ key }) => key)).size === tags.length, 'Duplicate keys not allowed.');

/** The tags with `added` over them. */
export function withTags(tags: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const merged = new Map([...tags, ...added].map(({ key, value }) => [key, value]));
  if (merged.size > maxTags) {
    throw new AwsError('InvalidParameterException', `The number of tags exceeds the limit of ${maxTags}.`);
  }
  return [...merged].map(([key, value]) => ({ key, value }));
}

export function withoutTags(tags: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  return tags.filter(({ key }) => !keys.includes(key));
}
